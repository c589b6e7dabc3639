internal import NIOConcurrencyHelpers
internal import NIOCore

/// A statement that a server has parsed: what to bind, and what it gives.
///
/// It belongs to the client that prepared it, not to a host: where a host has not seen it, or has forgotten it, the client prepares
/// it there by itself.
package final class PreparedStatement: Sendable {
    package let statement: String
    package let id: PreparedID
    package let bindColumns: [ColumnSpecification]
    /// Which bind columns make up the partition key, in the key's order; empty when not all of it is bound.
    package let partitionKeyIndices: [Int]
    private let result: NIOLockedValueBox<(columns: [ColumnSpecification], id: [UInt8]?)>

    init(statement: String, prepared: ResultMessage.Prepared) {
        self.statement = statement
        id = prepared.id
        bindColumns = prepared.bindColumns
        partitionKeyIndices = prepared.partitionKeyIndices.map { Int($0) }
        result = NIOLockedValueBox((prepared.resultColumns, prepared.resultMetadataID))
    }

    /// Empty for statements that give no rows.
    package var resultColumns: [ColumnSpecification] { result.withLockedValue { $0.columns } }

    var resultMetadata: (columns: [ColumnSpecification], id: [UInt8]?) { result.withLockedValue { $0 } }

    /// The server told of new columns, with a result (v5) or when the statement was prepared again.
    func update(columns: [ColumnSpecification], metadataID: [UInt8]?) {
        result.withLockedValue { $0 = (columns, metadataID) }
    }

    /// The token of a row, from its values; nil when the partition key is not bound whole.
    package func token(_ values: [CQLValue]) -> Int64? {
        guard !partitionKeyIndices.isEmpty, partitionKeyIndices.allSatisfy({ $0 < values.count }) else { return nil }
        var components: [ByteBuffer] = []
        for index in partitionKeyIndices {
            guard let bytes = try? values[index].bytes(as: bindColumns[index].type) else { return nil }
            components.append(bytes)
        }
        return Murmur3Token.token(components: components)
    }

    func token(_ values: BoundValues) -> Int64? {
        guard !partitionKeyIndices.isEmpty, partitionKeyIndices.allSatisfy({ $0 < values.count }) else { return nil }
        let components = partitionKeyIndices.compactMap { values.slice(at: $0) }
        return components.count == partitionKeyIndices.count ? Murmur3Token.token(components: components) : nil
    }

    /// Typed values as `[value]`s.
    ///
    /// - Throws: ``CassandraClientError`` that names the column whose value does not fit, or the counts that differ.
    func encode(_ values: [CQLValue]) throws(CassandraClientError) -> BoundValues {
        guard values.count == bindColumns.count else {
            throw CassandraClientError(
                .badValue(.invalid("the statement has \(bindColumns.count) marker(s), and \(values.count) value(s) were given")),
                statement: statement)
        }
        do throws(CQLError) {
            return try BoundValues(zip(values, bindColumns).map { ($0, $1.type) })
        } catch {
            throw CassandraClientError(.badValue(error), statement: statement)
        }
    }
}
