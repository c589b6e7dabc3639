/// Spark's save modes, `df.write.mode(…)`: what becomes of what is there already. The numbers are those of Spark Connect.
enum SaveMode: Int32, Sendable {
    case append = 1
    case overwrite = 2
    case errorIfExists = 3
    case ignore = 4

    /// As Spark's messages call it.
    var name: String {
        switch self {
        case .append: "Append"
        case .overwrite: "Overwrite"
        case .errorIfExists: "ErrorIfExists"
        case .ignore: "Ignore"
        }
    }
}
