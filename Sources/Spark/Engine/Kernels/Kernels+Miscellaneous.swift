extension Kernels {
    static let miscellaneous: [String: Kernel] = [
        "monotonically_increasing_id": Kernel(.own) { call in
            var next = call.context.firstRow
            return call.int64s { _ in
                defer { next += 1 }
                return next
            }
        },
        "input_file_name": Kernel(.own) { call in Column.constant(.string(call.context.inputFile), type: .string, count: call.count) },
        "raise_error": Kernel(.own) { call in
            let message = call.text(0)
            try call.selection.eachRow { row in
                throw SparkError(
                    "USER_RAISED_EXCEPTION", sqlState: "P0001", call.columns[0].isNull(row) ? "null" : message[row].string)
            }
            return call.nulls()
        },
    ]

    static let tries: [String: Kernel] = [:]
}
