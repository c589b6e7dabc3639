internal import GRPCCore
internal import NIOCore

/// An error as Spark Connect's clients know it: a gRPC status whose details name Java's exception classes, by which the client
/// picks its own, with Spark's error class and SQL state.
struct ConnectError: Error, Hashable, Sendable {
    /// Java's exception class and its parents, nearest first.
    var classes: [String]
    var message: String
    var errorClass: String?
    var sqlState: String?
    var parameters: [String: String] = [:]

    /// Metadata that fits into a header field whatever the message: Spark cuts there too, and the client fetches the rest.
    static let headerMessageMax = 2_048

    static let analysisClasses = [
        "org.apache.spark.sql.AnalysisException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object",
    ]

    /// A request that is part of Spark's protocol and that Leat does not answer yet.
    static func notServed(_ what: String) -> ConnectError {
        ConnectError(
            classes: [
                "org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException",
                "java.lang.RuntimeException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object",
            ],
            message: "[UNSUPPORTED_FEATURE.SPARK_CONNECT_MESSAGE] The feature is not supported: "
                + "Leat's Spark Connect server does not serve \(what) yet. SQLSTATE: 0A000",
            errorClass: "UNSUPPORTED_FEATURE.SPARK_CONNECT_MESSAGE", sqlState: "0A000", parameters: ["message": what])
    }

    /// Spark's INVALID_HANDLE family: a session or operation that is not there, or not in this form.
    static func invalidHandle(_ subclass: String, _ handle: String, _ reason: String) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.SparkSQLException", "java.sql.SQLException", "java.lang.Exception", "java.lang.Throwable"],
            message: "[INVALID_HANDLE.\(subclass)] The handle \(handle) is invalid. \(reason) SQLSTATE: HY000",
            errorClass: "INVALID_HANDLE.\(subclass)", sqlState: "HY000", parameters: ["handle": handle])
    }

    static func invalidCursor(_ subclass: String, _ reason: String) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.SparkSQLException", "java.sql.SQLException", "java.lang.Exception", "java.lang.Throwable"],
            message: "[INVALID_CURSOR.\(subclass)] The cursor is invalid. \(reason) SQLSTATE: HY109",
            errorClass: "INVALID_CURSOR.\(subclass)", sqlState: "HY109")
    }

    /// A plan that Spark's own clients would not send.
    static func invalidPlan(_ reason: String) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.sql.connect.common.InvalidPlanInput", "java.lang.IllegalArgumentException", "java.lang.Exception"],
            message: "[CONNECT_INVALID_PLAN] The Spark Connect plan is invalid. \(reason) SQLSTATE: 56K00",
            errorClass: "CONNECT_INVALID_PLAN", sqlState: "56K00")
    }

    static func malformed(_ message: String, _ error: ProtobufError) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.sql.connect.common.InvalidPlanInput", "java.lang.IllegalArgumentException", "java.lang.Exception"],
            message:
                "[CONNECT_INVALID_PLAN.CANNOT_PARSE] The Spark Connect plan is invalid. Cannot decode \(message): \(error). SQLSTATE: 56K00",
            errorClass: "CONNECT_INVALID_PLAN.CANNOT_PARSE", sqlState: "56K00")
    }

    static func cancelled(operation: String) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.SparkSQLException", "java.sql.SQLException", "java.lang.Exception", "java.lang.Throwable"],
            message: "[OPERATION_CANCELED] Operation has been canceled. SQLSTATE: HY008 (operation \(operation))",
            errorClass: "OPERATION_CANCELED", sqlState: "HY008")
    }

    init(
        classes: [String], message: String, errorClass: String? = nil, sqlState: String? = nil, parameters: [String: String] = [:]
    ) {
        self.classes = classes
        self.message = message
        self.errorClass = errorClass
        self.sqlState = sqlState
        self.parameters = parameters
    }

    /// Any error that a handler threw, in Spark's form.
    init(_ error: any Error) {
        switch error {
        case let error as ConnectError:
            self = error
        case let error as SparkError:
            self.init(
                classes: Self.classes(of: error), message: error.problem, errorClass: error.errorClass, sqlState: error.sqlState)
        case let error as StreamingQueryException:
            self.init(
                classes: ["org.apache.spark.sql.streaming.StreamingQueryException", "java.lang.Exception", "java.lang.Throwable"],
                message: error.message, errorClass: error.errorClass, sqlState: "XXKST")
        case let error as ProtobufError:
            self = .malformed("a plan", error)
        case let error as ArrowError:
            self.init(error.sparkError)
        default:
            self.init(
                classes: ["org.apache.spark.SparkException", "java.lang.Exception", "java.lang.Throwable"],
                message: "[INTERNAL_ERROR] \(error) SQLSTATE: XX000", errorClass: "INTERNAL_ERROR", sqlState: "XX000")
        }
    }

    /// The status that ends the call. `id` is the one under which the session keeps the error for `FetchErrorDetails`.
    func rpcError(id: String?) -> RPCError {
        let short = message.count > Self.headerMessageMax ? String(message.prefix(Self.headerMessageMax - 3)) + "..." : message
        var metadata = ["classes": Self.json(classes)]
        metadata["errorId"] = id
        metadata["errorClass"] = errorClass
        metadata["sqlState"] = sqlState
        let code = RPCError.Code.internalError
        let status = ErrorStatus(
            code: code.rawValue, message: short, reason: classes.first ?? "", domain: "org.apache.spark", metadata: metadata)
        return RPCError(
            code: code, message: short,
            metadata: ["grpc-status-details-bin": .binary(Array(status.encoded.readableBytesView))])
    }

    /// Class names are letters, digits, dots and dollar signs: nothing in them needs escaping.
    private static func json(_ classes: [String]) -> String {
        "[" + classes.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }
}
