/// ApiVersions (key 18): which requests, in which versions, the broker serves.
///
/// v1: throttle time. v3: flexible, the client's software and version (KIP-511). v4: a feature's minimum may be 0.
/// A version that the broker does not know is answered in v0 with UNSUPPORTED_VERSION and the list, so that the client can
/// choose again.
struct APIVersionsRequest: KafkaRequest {
    typealias Response = APIVersionsResponse
    static let key = APIKey.apiVersions
    static let versions = APIVersions(served: 0...4, flexibleFrom: 3)

    var clientSoftwareName = ""
    var clientSoftwareVersion = ""

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 {
            try coder.code(&clientSoftwareName)
            try coder.code(&clientSoftwareVersion)
        }
        try coder.tags()
    }
}

struct APIVersionsResponse: WireStruct {
    var error = ErrorCode.none
    var keys: [Key] = []
    var throttleTimeMs: Int32 = 0

    struct Key: WireStruct {
        var key: Int16 = 0
        var minVersion: Int16 = 0
        var maxVersion: Int16 = 0

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&key)
            try coder.code(&minVersion)
            try coder.code(&maxVersion)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&error)
        try coder.code(&keys)
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.tags()
    }

    /// The broker's answer, derived from what each request's file advertises.
    static let advertised = APIVersionsResponse(
        keys: APIKey.allCases.map {
            Key(key: $0.rawValue, minVersion: $0.versions.advertised.lowerBound, maxVersion: $0.versions.advertised.upperBound)
        })
}
