/// An error that a person reads: it names what went wrong, where, and what to do next.
///
/// The command line prints `description` and nothing else, so the three parts together have to be enough to act on.
package protocol DescribedError: Error, CustomStringConvertible {
    /// What happened, naming the thing: a topic, a file, a port, a setting.
    var problem: String { get }
    /// Where it happened (`leat.yaml:12`, `users_created[0]@1043`), or nil where `problem` has said it.
    var place: String? { get }
    /// What the reader can do about it, or nil where nothing can be said for certain.
    var nextStep: String? { get }
}

extension DescribedError {
    package var place: String? { nil }
    package var nextStep: String? { nil }

    package var description: String {
        var text = ""
        if let place { text += "\(place): " }
        text += problem
        if let nextStep { text += "\n  → \(nextStep)" }
        return text
    }
}
