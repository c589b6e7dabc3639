/// Rows that a client sent in Arrow IPC streams: the seam between the plan and whoever knows the format.
enum ArrowRows {
    static func decode(_ streams: [[UInt8]], _ schema: StructType) throws -> [ResultBatch] {
        throw Resolver.unserved("A frame of Arrow rows")
    }
    static func schema(_ streams: [[UInt8]]) throws -> StructType { throw Resolver.unserved("A frame of Arrow rows") }
}
