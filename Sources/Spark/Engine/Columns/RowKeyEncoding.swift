/// Keys of rows as bytes whose unsigned order is the order of the rows: what joins, groups, distinct and sorts compare and hash.
///
/// Each column gives a byte that puts its null first or last, then its value: numbers big-endian with the sign bit turned, floating-point
/// numbers with NaN last and one zero, texts with 0 written as `00 FF` and ended by `00 00`, arrays with a byte before each element. A
/// descending column has every byte of its value turned. Equal keys are equal rows, with null equal to null.
struct RowKeyEncoding {
    struct Part {
        var column: Column
        var isAscending = true
        var nullsFirst = true
    }

    let parts: [Part]

    init(_ parts: [Part]) {
        self.parts = parts
    }

    init(_ columns: [Column]) {
        parts = columns.map { Part(column: $0) }
    }

    /// Whether a part of the row's key is null: such a key matches none in a join.
    func hasNull(_ row: Int) -> Bool { parts.contains { $0.column.isNull(row) } }

    func append(_ row: Int, to key: inout [UInt8]) {
        for part in parts {
            if part.column.isNull(row) {
                key.append(part.nullsFirst ? 0 : 2)
                continue
            }
            key.append(1)
            let start = key.count
            Self.append(part.column, row, to: &key)
            if !part.isAscending { for index in start..<key.count { key[index] = ~key[index] } }
        }
    }

    /// The keys of the selected rows in their order, end to end: `offsets[n]..<offsets[n + 1]` is the n-th.
    func keys(_ selection: Selection) -> (bytes: [UInt8], offsets: [Int]) {
        if let keys = longKeys(selection) { return keys }
        var bytes: [UInt8] = []
        var offsets = [0]
        offsets.reserveCapacity(selection.count + 1)
        selection.eachRow { row in
            append(row, to: &bytes)
            offsets.append(bytes.count)
        }
        return (bytes, offsets)
    }

    /// Keys of whole numbers without nulls, which have one width: most keys of large groups are such.
    private func longKeys(_ selection: Selection) -> (bytes: [UInt8], offsets: [Int])? {
        var columns: [UnsafeMutablePointer<Int64>] = []
        for part in parts {
            guard part.isAscending, part.column.validity == nil, part.column.stride == 1, case .long(let buffer) = part.column.values else {
                return nil
            }
            columns.append(buffer.pointer)
        }
        guard !columns.isEmpty else { return nil }
        let width = 9 * columns.count
        let count = selection.count
        let bytes = [UInt8](unsafeUninitializedCapacity: width * count) { target, filled in
            filled = width * count
            guard var next = UnsafeMutableRawPointer(target.baseAddress) else { return }
            selection.eachRow { row in
                for column in columns {
                    next.storeBytes(of: 1, as: UInt8.self)
                    let turned = (UInt64(bitPattern: column[row]) ^ 1 << 63).bigEndian
                    (next + 1).storeBytes(of: turned, as: UInt64.self)
                    next += 9
                }
            }
        }
        return (bytes, (0...count).map { $0 * width })
    }

    private static func append<T: FixedWidthInteger>(_ value: T, to key: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { key.append(contentsOf: $0) }
    }

    private static func append(_ column: Column, _ row: Int, to key: inout [UInt8]) {
        let index = row &* column.stride
        switch column.values {
        case .none: break
        case .boolean(let buffer): key.append(buffer.pointer[index] ? 1 : 0)
        case .byte(let buffer): append(UInt8(bitPattern: buffer.pointer[index]) ^ 0x80, to: &key)
        case .short(let buffer): append(UInt16(bitPattern: buffer.pointer[index]) ^ 1 << 15, to: &key)
        case .integer(let buffer): append(UInt32(bitPattern: buffer.pointer[index]) ^ 1 << 31, to: &key)
        case .long(let buffer): append(UInt64(bitPattern: buffer.pointer[index]) ^ 1 << 63, to: &key)
        case .decimal(let buffer): append(UInt128(bitPattern: buffer.pointer[index]) ^ 1 << 127, to: &key)
        case .interval(let buffer):
            let value = buffer.pointer[index]
            append(UInt32(bitPattern: value.months) ^ 1 << 31, to: &key)
            append(UInt32(bitPattern: value.days) ^ 1 << 31, to: &key)
            append(UInt64(bitPattern: value.micros) ^ 1 << 63, to: &key)
        case .float(let buffer):
            let value = buffer.pointer[index]
            let bits = (value.isNaN ? Float.nan : value == 0 ? 0 : value).bitPattern
            append(bits >> 31 == 0 ? bits | 1 << 31 : ~bits, to: &key)
        case .double(let buffer):
            let value = buffer.pointer[index]
            let bits = (value.isNaN ? Double.nan : value == 0 ? 0 : value).bitPattern
            append(bits >> 63 == 0 ? bits | 1 << 63 : ~bits, to: &key)
        case .bytes(let views):
            let bytes = views.pointer[index].bytes
            if bytes.contains(0) {
                for byte in bytes {
                    key.append(byte)
                    if byte == 0 { key.append(0xFF) }
                }
            } else {
                key.append(contentsOf: bytes)
            }
            key.append(0)
            key.append(0)
        case .structure(let children): for child in children { child.map { appendNullable($0, index, to: &key) } }
        case .array(let offsets, let elements): append(Int(offsets[index])..<Int(offsets[index + 1]), of: elements, to: &key)
        case .map(let offsets, let keys, let values):
            append(Int(offsets[index])..<Int(offsets[index + 1]), of: keys, to: &key)
            append(Int(offsets[index])..<Int(offsets[index + 1]), of: values, to: &key)
        }
    }

    private static func append(_ range: Range<Int>, of elements: Column, to key: inout [UInt8]) {
        for element in range {
            key.append(1)
            appendNullable(elements, element, to: &key)
        }
        key.append(0)
    }

    private static func appendNullable(_ column: Column, _ row: Int, to key: inout [UInt8]) {
        guard !column.isNull(row) else { return key.append(0) }
        key.append(1)
        append(column, row, to: &key)
    }
}
