/// Where a text stopped being JSON, or the JSON that was wanted.
package struct MalformedJSON: Error, Hashable, CustomStringConvertible {
    /// In bytes from the start of the text.
    package let offset: Int
    package let wanted: String

    package init(offset: Int, wanted: String) {
        self.offset = offset
        self.wanted = wanted
    }

    package var description: String { "at byte \(offset) \(wanted) was wanted" }
}
