internal import IO

/// Bytes that are no Kafka message, or a value that Kafka's wire format cannot carry.
package enum WireError: DescribedError, Equatable {
    case truncated(needed: Int, readable: Int)
    case negativeLength(Int)
    case unexpectedNull
    case malformedVarint
    case tooManyElements(Int)
    case invalidUTF8
    case valueTooLong(Int)
    case trailingBytes(Int)
    case unknownAPI(Int16)
    case unservedVersion(api: APIKey, version: Int16)

    package var problem: String {
        switch self {
        case .truncated(let needed, let readable): "a Kafka message ends too early: \(needed) bytes are wanted, \(readable) are left"
        case .negativeLength(let length): "a Kafka message holds the length \(length)"
        case .unexpectedNull: "a Kafka message holds null where a value is required"
        case .malformedVarint: "a Kafka message holds a variable-length number of too many bytes"
        case .tooManyElements(let count): "a Kafka message claims \(count) array elements, more than it can hold"
        case .invalidUTF8: "a Kafka message holds a string that is not UTF-8"
        case .valueTooLong(let length): "a value of \(length) bytes does not fit Kafka's wire format"
        case .trailingBytes(let count): "a Kafka message is followed by \(count) bytes that belong to nothing"
        case .unknownAPI(let key): "a request has the API key \(key), which is not served here"
        case .unservedVersion(let api, let version): "a request has version \(version) of \(api), which is not served here"
        }
    }
}
