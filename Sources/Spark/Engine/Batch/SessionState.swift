internal import NIOConcurrencyHelpers

/// What a client's session knows while its plans are resolved and run: temporary views, settings, and the current time zone.
///
/// Shared by the calls of one session, which may come at the same time; short locks round plain values.
package final class SessionState: Sendable {
    private struct State {
        var views: [String: LogicalPlan] = [:]
        var settings: [String: String] = [:]
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
            if !replace, state.views[name.lowercased()] != nil { return false }
            state.views[name.lowercased()] = plan
            return true
        }
    }

    package func dropView(_ name: String) -> Bool { state.withLockedValue { $0.views.removeValue(forKey: name.lowercased()) != nil } }
    package var viewNames: [String] { state.withLockedValue { $0.views.keys.sorted() } }

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
