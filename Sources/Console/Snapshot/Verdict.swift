extension FlowSnapshot.Verdict {
    /// What a person should know first: a box that is silent, then a query that ended, then what was dropped, then what flows.
    init(of flow: FlowSnapshot.Flow, boxes: [BoxHealth]) {
        let down = boxes.filter { $0.state == .down }
        let path = flow.title.isEmpty ? "" : "\(flow.title): "
        if let first = down.first {
            self.init(
                state: .bad,
                title: down.count == 1
                    ? "The \(first.name.sentenceName) does not answer" : "\(down.count) of \(boxes.count) boxes do not answer",
                explanation: down.map { "\($0.name): \($0.error ?? "no answer")." }.joined(separator: " ") + " The rest goes on.")
        } else if boxes.allSatisfy({ $0.state == .waiting || $0.state == .unset }) {
            self.init(state: .idle, title: "Waiting for the first answers", explanation: "")
        } else if let query = flow.query, !query.isActive {
            self.init(
                state: .bad, title: "The query \(query.name ?? query.id) has ended",
                explanation: query.exception ?? (query.message.isEmpty ? "The engine gives no reason." : query.message))
        } else if let drops = flow.drops, drops.count > 0 {
            let reason = drops.first?.reason ?? drops.problem
            self.init(
                state: .bad, title: drops.count == 1 ? "1 record was dropped" : "\(drops.count.grouped) records were dropped",
                explanation: path + (reason.map { "\($0). " } ?? "")
                    + "The query goes on; what it dropped is kept in \(drops.topic).")
        } else if let dag = flow.dag, let run = dag.runs.first, run.state == "failed" {
            self.init(
                state: .bad, title: "The last run of \(dag.id) has failed",
                explanation: path + (dag.problem.map { "\($0). " } ?? "") + "Its log is on the DAGs page.")
        } else if flow.topic == nil {
            self.init(state: .idle, title: "No pipeline yet", explanation: "There is no topic that a query reads, and no query.")
        } else if flow.query == nil {
            self.init(state: .idle, title: "No query is active", explanation: path + "its records wait in the topic.")
        } else if flow.topic?.rate == nil, flow.query?.rate == nil, flow.table?.rate == nil {
            // One look tells no rate.
            self.init(state: .good, title: "The pipeline is up", explanation: path + Self.standing(flow))
        } else if let rate = [flow.topic?.rate, flow.query?.rate, flow.table?.rate].compactMap({ $0 }).max(), rate > 0 {
            self.init(state: .good, title: "Records flow into the table", explanation: path + Self.standing(flow))
        } else {
            self.init(state: .idle, title: "All records are in, nothing flows now", explanation: path + Self.standing(flow))
            if let lag = flow.query?.lag, lag > 0 {
                title = lag == 1 ? "1 record waits for the query" : "\(lag.grouped) records wait for the query"
            }
        }
    }

    private static func standing(_ flow: FlowSnapshot.Flow) -> String {
        var parts: [String] = []
        if let records = flow.topic?.records {
            parts.append(records == 1 ? "1 record in the topic" : "\(records.grouped) records in the topic")
        }
        if let rows = flow.table?.rows {
            parts.append(
                (flow.table?.isEstimate == true ? "about " : "") + (rows == 1 ? "1 row" : "\(rows.grouped) rows") + " in the table")
        }
        if let lag = flow.query?.lag { parts.append(lag == 0 ? "none waiting" : "\(lag.grouped) waiting") }
        return parts.joined(separator: ", ") + "."
    }
}

extension String {
    /// As it stands in a sentence: "The store", "The RandomUser API".
    fileprivate var sentenceName: String {
        ["Scheduler", "Broker", "Engine", "Store"].contains(self) ? lowercased() : self
    }
}

extension Int64 {
    /// With a comma before each third digit, as the pages write counts.
    fileprivate var grouped: String {
        let digits = String(magnitude)
        var text = self < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }
}
