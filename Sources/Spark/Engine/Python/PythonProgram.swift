internal import IO

/// What a Python process is asked to run over a stream of rows: functions with the columns that they take, as PySpark's own worker is told
/// (`pyspark.worker_message.UDFInfo`), and the settings that it minds.
struct PythonProgram {
    struct Function {
        /// Innermost first.
        var chain: [PythonFunction]
        var arguments: [Int]
        var named: [(name: String, column: Int)]
    }

    var evalType: Int
    var calls: [Function]
    /// The types of the columns that rows are sent with.
    var input: StructType
    var settings: [String: String]
    /// For groups: how many rows each has, in order, and how many of the first columns are their keys.
    var groups: [Int] = []
    var keys = 0

    var functions: [PythonFunction] {
        var seen: Set<PythonFunction> = []
        return calls.flatMap(\.chain).filter { seen.insert($0).inserted }
    }

    /// JSON: what the program is, the same for all its calls, and on a line of its own the groups.
    ///
    /// - Parameter numbers: What the process calls ``functions``.
    func header(_ numbers: [UInt32]) -> [UInt8] {
        let number = Dictionary(uniqueKeysWithValues: zip(functions, numbers))
        let udfs = calls.map { call -> JSON in
            [
                "ids": .array(call.chain.map { .integer(Int64(number[$0] ?? 0)) }),
                "args": .array(call.arguments.map { .integer(Int64($0)) }),
                "kwargs": .array(call.named.map { .array([.string($0.name), .integer(Int64($0.column))]) }),
            ]
        }
        let program: JSON = [
            "eval": .integer(Int64(evalType)), "udfs": .array(udfs), "keys": .integer(Int64(keys)),
            "width": .integer(Int64(input.fields.count)),
            "input": .string(input.json),
            "conf": .array(settings.sorted { $0.key < $1.key }.map { .array([.string($0.key), .string($0.value)]) }),
        ]
        return Array(program.text.utf8) + [UInt8(ascii: "\n")] + Array(groups.map(String.init).joined(separator: ",").utf8)
    }
}

/// Distinct columns that calls take, in the order of their first use.
struct PythonInputs {
    private(set) var expressions: [ResolvedExpression] = []

    init(_ calls: [(arguments: [ResolvedExpression], names: [String?])]) {
        for call in calls {
            for argument in call.arguments where !expressions.contains(argument) { expressions.append(argument) }
        }
    }

    var schema: StructType { StructType(expressions.enumerated().map { StructField("_\($0)", $1.dataType) }) }

    func function(_ chain: [PythonFunction], _ arguments: [ResolvedExpression], _ names: [String?]) -> PythonProgram.Function {
        var made = PythonProgram.Function(chain: chain, arguments: [], named: [])
        for (argument, name) in zip(arguments, names) {
            let column = expressions.firstIndex(of: argument) ?? 0
            if let name { made.named.append((name, column)) } else { made.arguments.append(column) }
        }
        return made
    }
}
