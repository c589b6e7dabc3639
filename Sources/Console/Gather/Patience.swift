/// Waiting that ends, whether or not what is waited for does.
enum Patience {
    /// Returns when all tasks have ended or the time is over; the tasks go on.
    static func wait(for tasks: [Task<Void, Never>], atMost patience: Duration) async {
        let (stream, done) = AsyncStream.makeStream(of: Void.self)
        let all = Task {
            for task in tasks { await task.value }
            done.finish()
        }
        let timer = Task {
            try? await Task.sleep(for: patience)
            done.finish()
        }
        for await _ in stream {}
        timer.cancel()
        all.cancel()
    }
}
