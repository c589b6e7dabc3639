import Testing

@testable import RandomUser

@Suite struct RetryAfterTests {
    @Test func secondsAndDatesAreRead() {
        #expect(RetryAfter.pause("120") == .seconds(120))
        // The example of RFC 9110, 5.6.7.
        #expect(RetryAfter.pause("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_770) == .seconds(7))
        #expect(RetryAfter.pause("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_800) == .zero)
    }

    @Test(arguments: ["", "soon", "-1", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 GMT and more"])
    func otherTextIsNoPause(text: String) { #expect(RetryAfter.pause(text) == nil) }
}
