internal import OrderedCollections

extension JSON {
    /// The members of an object in their order, each name once: of a name that comes again, the last value holds.
    package struct Members: Sendable {
        private var values: OrderedDictionary<String, JSON>

        package init() { values = [:] }

        package init(_ members: some Sequence<(String, JSON)>) { values = OrderedDictionary(members, uniquingKeysWith: { $1 }) }

        /// A new name goes to the end; nil removes a name.
        package subscript(name: String) -> JSON? {
            get { values[name] }
            set { values[name] = newValue }
        }

        /// These members, and the other ones after them and instead of those that have their names.
        package func merging(_ others: Members) -> Members {
            var merged = self
            merged.values.merge(others.values.lazy.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
            return merged
        }
    }
}

extension JSON.Members: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { values.count }

    package subscript(position: Int) -> (name: String, value: JSON) {
        let (name, value) = values.elements[position]
        return (name, value)
    }
}

extension JSON.Members: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

/// Equal members are equal in any order.
extension JSON.Members: Hashable {
    package static func == (first: JSON.Members, second: JSON.Members) -> Bool {
        first.count == second.count && first.allSatisfy { second[$0.name] == $0.value }
    }

    package func hash(into hasher: inout Hasher) {
        var all = 0
        for (name, value) in self {
            var member = Hasher()
            member.combine(name)
            member.combine(value)
            all ^= member.finalize()
        }
        hasher.combine(all)
    }
}
