internal import Foundation

extension StackConfiguration {
    /// Reads `leat.yaml` (or the file that is named), the environment and the flags.
    ///
    /// - Parameters:
    ///   - path: the file that `--config` or `LEAT_CONFIG` names; nil for `leat.yaml` in the working directory, which may be absent.
    ///   - profile: what `--profile` or `LEAT_PROFILE` names.
    /// - Throws: ``ConfigurationFileError`` or ``SettingError``, with file, line and the nearest known key.
    package static func load(
        path: String?, profile: String?, environment: [String: String], flags: [(key: String, text: String)]
    ) throws -> StackConfiguration {
        let path = path ?? environment["LEAT_CONFIG"]
        let profile = profile ?? environment["LEAT_PROFILE"]
        let file = try read(path ?? "leat.yaml", mustExist: path != nil)
        return try StackConfiguration(file: file, profile: profile, environment: environment, flags: flags)
    }

    private static func read(_ path: String, mustExist: Bool) throws -> ConfigurationFile? {
        guard let data = FileManager.default.contents(atPath: path) else {
            guard mustExist || FileManager.default.fileExists(atPath: path) else { return nil }
            throw ConfigurationFileError(file: path, line: nil, problem: "the file is not there or cannot be read")
        }
        return try ConfigurationFile(name: path, yaml: String(decoding: data, as: UTF8.self))
    }
}
