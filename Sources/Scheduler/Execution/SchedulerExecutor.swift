internal import Dispatch

/// Runs the scheduler's actor on a queue of its own: its transactions wait for the disk, which the shared threads must not.
final class SchedulerExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "leat.scheduler")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
