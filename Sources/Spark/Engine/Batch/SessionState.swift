internal import NIOConcurrencyHelpers

/// What a client's session knows while its plans are resolved and run: temporary views, settings, and the current time zone.
///
/// Shared by the calls of one session, which may come at the same time; short locks round plain values.
package final class SessionState: Sendable {
    private struct State {
        var views: [String: LogicalPlan] = [:]
        var settings: [String: String] = [:]
        var functions: [String: PythonFunction] = [:]
        var observed: [String: (schema: StructType, batch: ResultBatch)] = [:]
    }

    private let state: NIOLockedValueBox<State>

    package init(settings: [String: String] = [:]) {
        state = NIOLockedValueBox(State(settings: settings))
    }

    /// Temporary views, by name without regard to case.
    package func view(_ name: String) -> LogicalPlan? { state.withLockedValue { $0.views[name.lowercased()] } }

    /// - Returns: false where the name is taken and must not be replaced.
    package func setView(_ name: String, _ plan: LogicalPlan, replace: Bool) -> Bool {
        state.withLockedValue { state in
            let old = state.views[name.lowercased()]
            if !replace, old != nil { return false }
            // A view over the one that it replaces means that one, not itself.
            state.views[name.lowercased()] =
                if let old, plan.mentions(name) { .with([CommonTable(name, old)], isRecursive: false, plan) } else { plan }
            return true
        }
    }

    /// The plan with the session's views beside it, for a query that outlives the call, such as a streaming one.
    package func bound(_ plan: LogicalPlan) -> LogicalPlan {
        let views = state.withLockedValue { $0.views }.filter { plan.mentions($0.key) }.sorted { $0.key < $1.key }
        if views.isEmpty { return plan }
        return .with(views.map { CommonTable($0.key, bound($0.value)) }, isRecursive: false, plan)
    }

    package func dropView(_ name: String) -> Bool { state.withLockedValue { $0.views.removeValue(forKey: name.lowercased()) != nil } }
    package var viewNames: [String] { state.withLockedValue { $0.views.keys.sorted() } }

    /// What `observe` measured in the last run, by its name.
    func observed(_ metrics: [String: (schema: StructType, batch: ResultBatch)]) {
        guard !metrics.isEmpty else { return }
        state.withLockedValue { $0.observed.merge(metrics) { $1 } }
    }

    func takeObserved() -> [String: (schema: StructType, batch: ResultBatch)] {
        state.withLockedValue { state in
            defer { state.observed = [:] }
            return state.observed
        }
    }

    /// Functions that the client registered, by name without regard to case.
    package func register(_ function: PythonFunction) { state.withLockedValue { $0.functions[function.name.lowercased()] = function } }
    package func function(_ name: String) -> PythonFunction? {
        state.withLockedValue { $0.functions.isEmpty ? nil : $0.functions[name.lowercased()] }
    }
    package var functionNames: [String] { state.withLockedValue { $0.functions.values.map(\.name).sorted() } }

    package func setting(_ key: String) -> String? { state.withLockedValue { $0.settings[key] } }
    package func set(_ key: String, _ value: String?) { state.withLockedValue { $0.settings[key] = value } }
    package var settings: [String: String] { state.withLockedValue { $0.settings } }

    /// A session with the same views and settings, as `CloneSession` and `foreachBatch` want one.
    package func cloned() -> SessionState {
        let copy = SessionState()
        let now = state.withLockedValue { $0 }
        copy.state.withLockedValue { $0 = now }
        return copy
    }
}
