internal import NIOConcurrencyHelpers

/// Numbers for the parameters of lambdas, so that no two of one expression are the same.
enum LambdaNumbers {
    private static let last = NIOLockedValueBox(0)

    static func next() -> Int {
        last.withLockedValue { number in
            number += 1
            return number
        }
    }
}
