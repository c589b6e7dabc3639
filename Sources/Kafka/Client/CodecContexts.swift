internal import CCodecs
internal import NIOConcurrencyHelpers

/// The compression libraries' contexts, lent to one decoding at a time and kept for the next.
final class CodecContextPool: Sendable {
    /// Contexts kept when idle: about as many as decode at once.
    private static let keptMax = 4

    /// A context on loan.
    struct Context: @unchecked Sendable {
        // Unchecked: whoever borrowed it is the only one to hold it until it is given back.
        let pointer: OpaquePointer
    }

    private let idle = NIOLockedValueBox<[Context]>([])

    deinit {
        idle.withLockedValue { contexts in
            for context in contexts { leat_codec_contexts_free(context.pointer) }
            contexts = []
        }
    }

    func withContext<R>(_ body: (OpaquePointer) throws -> R) throws -> R {
        guard let context = idle.withLockedValue({ $0.popLast() }) ?? leat_codec_contexts_new().map(Context.init) else {
            throw OutOfMemory()
        }
        defer {
            let isKept = idle.withLockedValue { contexts in
                guard contexts.count < Self.keptMax else { return false }
                contexts.append(context)
                return true
            }
            if !isKept { leat_codec_contexts_free(context.pointer) }
        }
        return try body(context.pointer)
    }

    struct OutOfMemory: Error {}
}
