import Testing

@testable import Leat

@Suite struct QuestionTests {
    /// A box that neither answers nor heeds a cancellation.
    private final class Hung: Sendable {
        let asked = AsyncStream.makeStream(of: Void.self)
        let release = AsyncStream.makeStream(of: Void.self)

        func answer() async -> Int {
            asked.continuation.yield()
            // In a task of its own, which no cancellation reaches.
            await Task { for await _ in release.stream { return } }.value
            return 7
        }
    }

    @Test func aBoxThatHangsCostsThePatienceAndIsNotAskedTwice() async throws {
        let hung = Hung()
        let question = Question<Int>("store", bound: .milliseconds(1))
        for _ in 0..<3 {
            let answer = await question.ask(atMost: .milliseconds(20)) { await hung.answer() }
            #expect(answer.value == nil && answer.problem == "store: no answer within 20ms")
        }
        hung.asked.continuation.finish()
        var times = 0
        for await _ in hung.asked.stream { times += 1 }
        #expect(times == 1)
        // What it says in the end is not lost.
        hung.release.continuation.yield()
        let late = await question.ask(atMost: .seconds(20)) { 8 }
        #expect(late.value == 7)
        #expect(await question.ask(atMost: .seconds(20)) { 8 }.value == 8)
    }

    @Test func aFreshAnswerIsNotOneToAnEarlierQuestion() async throws {
        let hung = Hung()
        let question = Question<Int>("store")
        _ = await question.ask(atMost: .milliseconds(1)) { await hung.answer() }
        async let fresh = question.ask(atMost: .seconds(20), isFresh: true) { 8 }
        hung.release.continuation.yield()
        #expect(await fresh.value == 8)
    }

    @Test func aRefusalIsToldInOneLine() async {
        struct Refusal: Error, CustomStringConvertible { let description = "no\n  → try again" }
        let answer = await Question<Int>("engine").ask(atMost: .seconds(20)) { throw Refusal() }
        #expect(answer.problem == "engine: no")
    }
}
