internal import NIOCore

/// `AnalyzePlanRequest`.
struct AnalyzePlanRequest: ProtobufMessage, Hashable {
    enum Analysis: Hashable, Sendable {
        case schema(ConnectPlan)
        case explain(ConnectPlan, mode: ExplainMode)
        case treeString(ConnectPlan, level: Int?)
        case isLocal(ConnectPlan)
        case isStreaming(ConnectPlan)
        case inputFiles(ConnectPlan)
        case sparkVersion
        case parseDDL(String)
        case sameSemantics(ConnectPlan, ConnectPlan)
        case semanticHash(ConnectPlan)
        /// A `Relation`.
        case persist(ByteBuffer, StorageLevel?)
        case unpersist(ByteBuffer)
        case storageLevel(ByteBuffer)
        case ddlOfJSON(String)
        /// What is asked for, by its name in Spark's definition.
        case notServed(String)
    }

    enum ExplainMode: Int32, Hashable, Sendable {
        case simple = 1
        case extended = 2
        case codegen = 3
        case cost = 4
        case formatted = 5
    }

    var session = SessionReference()
    var analysis: Analysis?

    init(session: SessionReference, analysis: Analysis) {
        self.session = session
        self.analysis = analysis
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 10: analysis = .sparkVersion
            case 4...9, 11...16, 18: analysis = try Self.analysis(number, reader.message())
            default: try session.read(number, from: &reader, observed: 17)
            }
        }
    }

    private static func analysis(_ kind: Int, _ message: ProtobufReader) throws(ProtobufError) -> Analysis {
        var message = message
        var plan = ConnectPlan.notServed("an empty Plan"), other = plan
        var relation = ByteBuffer()
        var number: Int32?
        var text = ""
        var level: StorageLevel?
        while let field = try message.next() {
            switch (kind, field) {
            case (11, 1), (18, 1): text = try message.string()
            case (14, 1), (15, 1), (16, 1): relation = try message.bytes()
            case (14, 2): level = try message.message(StorageLevel.self)
            case (12, 2): other = try message.message(ConnectPlan.self)
            case (5, 2), (6, 2): number = try message.int32()
            case (_, 1): plan = try message.message(ConnectPlan.self)
            default: break
            }
        }
        switch kind {
        case 4: return .schema(plan)
        case 5: return .explain(plan, mode: number.flatMap(ExplainMode.init) ?? .simple)
        case 6: return .treeString(plan, level: number.map(Int.init))
        case 7: return .isLocal(plan)
        case 8: return .isStreaming(plan)
        case 9: return .inputFiles(plan)
        case 11: return .parseDDL(text)
        case 12: return .sameSemantics(plan, other)
        case 13: return .semanticHash(plan)
        case 14: return .persist(relation, level)
        case 15: return .unpersist(relation)
        case 16: return .storageLevel(relation)
        case 18: return .ddlOfJSON(text)
        default: return .notServed("\(kind)")
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 17)
        switch analysis {
        case .sparkVersion: writer.write(10) { _ in }
        case .schema(let plan): writer.write(4) { $0.write(1, plan) }
        case .isStreaming(let plan): writer.write(8) { $0.write(1, plan) }
        case .parseDDL(let text): writer.write(11) { $0.write(1, text) }
        default: break
        }
    }
}

/// `StorageLevel` (`common.proto`).
struct StorageLevel: ProtobufMessage, Hashable {
    var useDisk = false
    var useMemory = false
    var useOffHeap = false
    var isDeserialized = false
    var replication: Int32 = 1

    static let none = StorageLevel()
    /// What `persist()` and `cache()` mean without one.
    static let memoryAndDisk = StorageLevel(useDisk: true, useMemory: true, isDeserialized: true)

    init(useDisk: Bool = false, useMemory: Bool = false, useOffHeap: Bool = false, isDeserialized: Bool = false, replication: Int32 = 1) {
        self.useDisk = useDisk
        self.useMemory = useMemory
        self.useOffHeap = useOffHeap
        self.isDeserialized = isDeserialized
        self.replication = replication
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        replication = 0
        while let number = try reader.next() {
            switch number {
            case 1: useDisk = try reader.bool()
            case 2: useMemory = try reader.bool()
            case 3: useOffHeap = try reader.bool()
            case 4: isDeserialized = try reader.bool()
            case 5: replication = try reader.int32()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, useDisk)
        writer.write(2, useMemory)
        writer.write(3, useOffHeap)
        writer.write(4, isDeserialized)
        writer.write(5, Int64(replication))
    }
}

/// `AnalyzePlanResponse`.
struct AnalyzePlanResponse: ProtobufMessage, Hashable {
    enum Result: Hashable, Sendable {
        case schema(DataType)
        case explain(String)
        case treeString(String)
        case isLocal(Bool)
        case isStreaming(Bool)
        case inputFiles([String])
        case sparkVersion(String)
        case parsedDDL(DataType)
        case sameSemantics(Bool)
        case semanticHash(Int32)
        case persist
        case unpersist
        case storageLevel(StorageLevel)
        case ddl(String)
    }

    var sessionID = ""
    var serverSideID = ""
    var result: Result?

    var schema: StructType? {
        if case .schema(.structure(let schema))? = result { return schema }
        return nil
    }

    var sparkVersion: String? {
        if case .sparkVersion(let version)? = result { return version }
        return nil
    }

    init(sessionID: String, serverSideID: String, _ result: Result) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        self.result = result
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2:
                var answer = try reader.message()
                while let number = try answer.next() {
                    let type = try answer.message()
                    if number == 1, let schema = try? DataType(wire: type) { result = .schema(schema) }
                }
            case 8:
                var version = try reader.message()
                while let number = try version.next() {
                    if number == 1 { result = .sparkVersion(try version.string()) }
                }
            case 15: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        switch result {
        case .schema(let type): writer.write(2) { $0.write(1) { type.write(wire: &$0) } }
        case .explain(let text): writer.write(3) { $0.write(1, text) }
        case .treeString(let text): writer.write(4) { $0.write(1, text) }
        case .isLocal(let value): writer.write(5) { $0.write(1, value) }
        case .isStreaming(let value): writer.write(6) { $0.write(1, value) }
        case .inputFiles(let files): writer.write(7) { $0.write(1, repeated: files) }
        case .sparkVersion(let version): writer.write(8) { $0.write(1, version) }
        case .parsedDDL(let type): writer.write(9) { $0.write(1) { type.write(wire: &$0) } }
        case .sameSemantics(let value): writer.write(10) { $0.write(1, value) }
        case .semanticHash(let value): writer.write(11) { $0.write(1, Int64(value)) }
        case .persist: writer.write(12) { _ in }
        case .unpersist: writer.write(13) { _ in }
        case .storageLevel(let level): writer.write(14) { $0.write(1, level) }
        case .ddl(let text): writer.write(16) { $0.write(1, text) }
        case nil: break
        }
        writer.write(15, serverSideID)
    }
}
