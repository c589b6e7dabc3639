/// What is wrong with a Parquet file, before it is known which file it was.
enum ParquetError: Error {
    case malformed(String)
    case notServed(String)

    func sparkError(path: String) -> SparkError {
        switch self {
        case .malformed(let what):
            SparkError(
                "FAILED_READ_FILE.NO_HINT", sqlState: "KD001",
                "Encountered error while reading file \(path). It is no valid Parquet file: \(what).")
        case .notServed(let what):
            SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "The Parquet file \(path) holds \(what), which this engine does not read.")
        }
    }
}
