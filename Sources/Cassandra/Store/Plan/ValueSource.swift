internal import NIOCore

/// Where an executing plan takes a value from.
enum ValueSource: Sendable {
    /// The n-th bound value.
    case bind(Int)
    /// A constant: bytes of the plan's ``PlanConstants``.
    case constant(start: Int, length: Int)
    case null
    /// Made anew by each execution: a function's result, a collection with markers in it.
    case computed(BoundTerm)
}

/// A typed term that has to be evaluated.
indirect enum BoundTerm: Sendable {
    case source(ValueSource, CQLType)
    case list([BoundTerm])
    case set([BoundTerm])
    case map([(key: BoundTerm, value: BoundTerm)])
    case tuple([BoundTerm])
    case call(ScalarFunction, [BoundTerm])
    case cast(BoundTerm, CQLType)
}

extension CQLValue {
    /// The bytes as they are kept: frozen sets and maps in order.
    fileprivate func orderedBytes(as type: CQLType) throws(CQLError) -> ByteBuffer {
        let bytes = try bytes(as: type)
        guard let order = FrozenOrder(type, isWhole: false) else { return bytes }
        var output = ByteBuffer()
        let failed: CQLError? = bytes.withUnsafeReadableBytes { bytes in
            do throws(CQLError) { try order.append(bytes, to: &output) } catch { return error }
            return nil
        }
        if let failed { throw failed }
        return output
    }
}

/// The constants of one plan, encoded once. Written while planning only, hence shared by executing threads.
final class PlanConstants: @unchecked Sendable {
    private let arena = ByteArena(capacity: 64)

    func append(_ value: CQLValue, type: CQLType) throws(CQLError) -> ValueSource {
        if value.isNull { return .null }
        let bytes = try value.orderedBytes(as: type)
        let start = arena.count
        bytes.withUnsafeReadableBytes { arena.append($0) }
        return .constant(start: start, length: arena.count - start)
    }

    @inline(__always) func bytes(_ start: Int, _ length: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: arena.base + start, count: length)
    }
}

/// A value at hand: bytes, null or unset.
struct ResolvedValue {
    let bytes: UnsafeRawBufferPointer
    /// As in the protocol: -1 null, -2 unset.
    let length: Int

    @inline(__always) init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        length = bytes.count
    }

    private init(length: Int) {
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        self.length = length
    }

    static var null: ResolvedValue { ResolvedValue(length: -1) }
    static var unset: ResolvedValue { ResolvedValue(length: -2) }

    @inline(__always) var isNull: Bool { length == -1 }
    @inline(__always) var isUnset: Bool { length == -2 }
    @inline(__always) var isValue: Bool { length >= 0 }
}

/// What an execution has at hand to find its values: good for the time of one call.
struct ValueContext {
    let values: BoundValues
    let bound: UnsafeRawBufferPointer
    let constants: PlanConstants
    /// Microseconds since 1970.
    let now: Int64

    /// The bytes stay good until the next call (computed ones are kept in `scratch`).
    @inline(__always)
    func resolve(_ source: ValueSource, _ scratch: ByteArena) throws(CQLError) -> ResolvedValue {
        switch source {
        case .bind(let index):
            let entry = values[index]
            if entry.length >= 0 {
                return ResolvedValue(
                    UnsafeRawBufferPointer(rebasing: bound[Int(entry.start)..<Int(entry.start) + Int(entry.length)]))
            }
            return entry.isUnset ? .unset : .null
        case .constant(let start, let length): return ResolvedValue(constants.bytes(start, length))
        case .null: return .null
        case .computed(let term):
            let value = try evaluate(term)
            if value == .null { return .null }
            if value == .unset { return .unset }
            let bytes = try value.orderedBytes(as: type(of: term))
            scratch.truncate(to: 0)
            bytes.withUnsafeReadableBytes { scratch.append($0) }
            return ResolvedValue(scratch.bytes)
        }
    }

    /// The type that a computed term's value is written as; nil-free, as the planner gave every term one.
    private func type(of term: BoundTerm) -> CQLType {
        switch term {
        case .source(_, let type), .cast(_, let type): type
        case .call(let function, _): function.result
        case .list(let terms): .list(terms.first.map(type(of:)) ?? .blob)
        case .set(let terms): .set(terms.first.map(type(of:)) ?? .blob)
        case .map(let entries): .map(entries.first.map { type(of: $0.key) } ?? .blob, entries.first.map { type(of: $0.value) } ?? .blob)
        case .tuple(let terms): .tuple(terms.map(type(of:)))
        }
    }

    func evaluate(_ term: BoundTerm) throws(CQLError) -> CQLValue {
        switch term {
        case .source(let source, let type):
            let scratch = ByteArena()
            defer { withExtendedLifetime(scratch) {} }
            let value = try resolve(source, scratch)
            if value.isUnset { return .unset }
            if value.isNull { return .null }
            return try CQLValue(bytes: ByteBuffer(bytes: value.bytes), type: type)
        case .list(let terms): return .list(try elements(terms))
        case .set(let terms): return .set(try elements(terms))
        case .tuple(let terms):
            var list: [CQLValue] = []
            for term in terms { list.append(try evaluate(term)) }
            return .tuple(list)
        case .map(let entries):
            var list: [CQLValue.Entry] = []
            for entry in entries {
                let key = try evaluate(entry.key), value = try evaluate(entry.value)
                guard key != .null, value != .null, key != .unset, value != .unset else {
                    throw .invalid("null is not supported inside collections")
                }
                list.append(.init(key, value))
            }
            return .map(list)
        case .call(let function, let arguments):
            var list: [CQLValue] = []
            for argument in arguments { list.append(try evaluate(argument)) }
            return try function.body(list, now)
        case .cast(let inner, let type): return try ScalarFunction.cast(try evaluate(inner), to: type)
        }
    }

    private func elements(_ terms: [BoundTerm]) throws(CQLError) -> [CQLValue] {
        var list: [CQLValue] = []
        for term in terms {
            let value = try evaluate(term)
            guard value != .null, value != .unset else { throw .invalid("null is not supported inside collections") }
            list.append(value)
        }
        return list
    }

    /// An integer of LIMIT, TTL and TIMESTAMP; nil for null and unset.
    func integer(_ source: ValueSource, type: CQLType) throws(CQLError) -> Int64? {
        let scratch = ByteArena()
        defer { withExtendedLifetime(scratch) {} }
        let value = try resolve(source, scratch)
        guard value.isValue else { return nil }
        switch value.length {
        case 4: return Int64(Int32(bigEndian: value.bytes.loadUnaligned(as: Int32.self)))
        case 8: return Int64(bigEndian: value.bytes.loadUnaligned(as: Int64.self))
        default: throw ValueCheck.wrongLength(type, expected: type == .int ? 4 : 8, actual: value.length)
        }
    }
}

/// Gives the terms of a statement their types, and collects what its bind markers stand for.
struct TermBinder {
    let keyspace: String
    let table: String
    let constants = PlanConstants()
    let names: [String?]
    private(set) var markers: [ColumnSpecification?]

    init(markers names: [String?], keyspace: String, table: String) {
        self.names = names
        self.keyspace = keyspace
        self.table = table
        markers = Array(repeating: nil, count: names.count)
    }

    func specification(_ name: String, _ type: CQLType) -> ColumnSpecification {
        ColumnSpecification(keyspace: keyspace, table: table, name: name, type: type)
    }

    mutating func bind(_ term: Term, _ receiver: ColumnSpecification) throws(CQLError) -> ValueSource {
        switch term {
        case .null: return .null
        case .marker(let index):
            markers[index] = specification(names[index] ?? receiver.name, receiver.type)
            return .bind(index)
        case .constant(let constant):
            return try constants.append(try Literals.value(constant, receiver), type: receiver.type)
        default:
            let bound = try typed(term, receiver)
            // What holds no marker and no function is made once, here.
            if Self.isConstant(term) {
                let context = ValueContext(
                    values: .empty, bound: UnsafeRawBufferPointer(start: nil, count: 0), constants: constants, now: 0)
                return try constants.append(try context.evaluate(bound), type: receiver.type)
            }
            return .computed(.cast(bound, receiver.type))
        }
    }

    private static func isConstant(_ term: Term) -> Bool {
        switch term {
        case .null, .constant: true
        case .marker, .function: false
        case .list(let terms), .set(let terms), .tuple(let terms): terms.allSatisfy(isConstant)
        case .map(let entries): entries.allSatisfy { isConstant($0.key) && isConstant($0.value) }
        case .cast(_, let inner): isConstant(inner)
        }
    }

    private mutating func all(_ terms: [Term], _ receiver: ColumnSpecification) throws(CQLError) -> [BoundTerm] {
        var list: [BoundTerm] = []
        for term in terms {
            if case .null = term { throw .invalid("null is not supported inside collections") }
            list.append(try typed(term, receiver))
        }
        return list
    }

    mutating func typed(_ term: Term, _ receiver: ColumnSpecification) throws(CQLError) -> BoundTerm {
        func mismatch(_ kind: String) -> CQLError { .invalid("Invalid \(kind) literal for \(receiver.name) of type \(receiver.type)") }
        let type = receiver.type.unfrozen
        switch (term, type) {
        case (.null, _), (.constant, _), (.marker, _): return .source(try bind(term, receiver), receiver.type)
        case (.list(let terms), .list(let element)): return .list(try all(terms, specification("value(\(receiver.name))", element)))
        case (.list, _): throw mismatch("list")
        case (.set(let terms), .set(let element)): return .set(try all(terms, specification("value(\(receiver.name))", element)))
        case (.set(let terms), .map) where terms.isEmpty: return .map([])
        case (.set, _): throw mismatch("set")
        case (.map(let entries), .map(let key, let value)):
            var list: [(key: BoundTerm, value: BoundTerm)] = []
            for entry in entries {
                let bound = try typed(entry.key, specification("key(\(receiver.name))", key))
                list.append((bound, try typed(entry.value, specification("value(\(receiver.name))", value))))
            }
            return .map(list)
        case (.map, _): throw mismatch("map")
        case (.tuple(let terms), .tuple(let types)):
            guard terms.count <= types.count else {
                throw .invalid(
                    "Invalid tuple literal for \(receiver.name): too many elements. Type \(type) expects \(types.count) but got \(terms.count)"
                )
            }
            var list: [BoundTerm] = []
            for (element, type) in zip(terms, types) { list.append(try typed(element, specification(receiver.name, type))) }
            return .tuple(list)
        case (.tuple(let terms), _) where terms.count == 1: return try typed(terms[0], receiver)
        case (.tuple, _): throw mismatch("tuple")
        case (.cast(let target, let inner), _):
            guard ScalarFunction.isAssignable(target, to: type) else {
                throw .invalid("Cannot assign value of type \(target) to \(receiver.name) of type \(receiver.type)")
            }
            return .cast(try typed(inner, specification(receiver.name, target)), target)
        case (.function(let name, let arguments), _):
            let function = try ScalarFunction.find(name, arguments: arguments.count, given: arguments.map(Self.inferred))
            guard ScalarFunction.isAssignable(function.result, to: type) else {
                throw .invalid(
                    "Type error: cannot assign result of function \(name) (type \(function.result)) to \(receiver.name) (type \(receiver.type))"
                )
            }
            var list: [BoundTerm] = []
            for (index, argument) in arguments.enumerated() {
                list.append(try typed(argument, specification("arg\(index)(\(name))", function.arguments[index])))
            }
            return .call(function, list)
        }
    }

    /// The type that a term has by itself, by which functions of one name are told apart; nil where it takes its receiver's.
    private static func inferred(_ term: Term) -> CQLType? {
        switch term {
        case .cast(let type, _): type
        case .constant(let constant) where constant.kind == .uuid: .timeuuid
        // Functions of one name differ in what they take, not in what they give.
        case .function(let name, let arguments): try? ScalarFunction.find(name, arguments: arguments.count).result
        default: nil
        }
    }

    /// The markers' specifications; one without a place would be a fault of the planner.
    func specifications() throws(CQLError) -> [ColumnSpecification] {
        var list: [ColumnSpecification] = []
        for (index, marker) in markers.enumerated() {
            guard let marker else { throw .invalid("Cannot tell the type of bind marker \(index + 1)") }
            list.append(marker)
        }
        return list
    }
}
