internal import Scheduler

extension DAG {
    /// What the scheduler is given: the same graph, its closures bound to where the boxes are.
    ///
    /// - Throws: ``InvalidTimetable`` for a cron expression or a time zone that is none.
    func definition(links: PipelineLinks) throws -> DAGDefinition {
        DAGDefinition(
            id: id, schedule: try schedule.timetable(), startDate: startDate, catchup: catchup, description: description, tags: tags,
            maxActiveRuns: maxActiveRuns,
            tasks: operators.map { $0.definition(links: links) })
    }
}

extension Schedule {
    func timetable() throws -> Timetable {
        switch self {
        case .none: .none
        case .once: .once
        case .cron(let text, let timeZone): try .cron(text, timeZone: timeZone)
        case .every(let interval): .interval(interval)
        }
    }
}

extension SwiftOperator {
    func definition(links: PipelineLinks) -> TaskDefinition {
        let body = body
        return TaskDefinition(
            id: id, upstream: upstream, retries: retries, retryDelay: retryDelay, retryExponentialBackoff: retryExponentialBackoff,
            executionTimeout: executionTimeout, produces: produces
        ) { context in
            let run = try await links.run(context)
            do {
                try await body(run)
            } catch {
                // What was sent stays sent: it is acknowledged or refused before the try counts as failed.
                try? await run.kafka.finish()
                throw error
            }
            try await run.kafka.finish()
        }
    }
}
