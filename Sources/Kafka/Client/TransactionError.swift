internal import IO

/// What librdkafka says of a call on a transaction, and what it leaves the caller to do.
package struct TransactionError: DescribedError, Equatable {
    package enum Remedy: Sendable {
        /// The same call again; it goes on where it was.
        case retry
        /// The transaction is lost: abort it, and begin another.
        case abort
        /// The producer is of no more use: a new one of the same id ends what this one left open.
        case replace
        /// No repetition mends it.
        case none
    }

    package let operation: String
    /// librdkafka's name of the error.
    package let code: String
    package let reason: String
    package let remedy: Remedy

    package var problem: String { "the transaction failed in \(operation): \(reason) (\(code))" }

    package var nextStep: String? {
        switch code {
        case "_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH":
            "another producer of this transactional id was started, or the transaction lasted longer than transaction.timeout.ms"
        case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "the broker's access lists must allow the transactional id"
        default: nil
        }
    }
}
