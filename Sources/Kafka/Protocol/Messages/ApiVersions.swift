internal import NIOCore

/// ApiVersions (key 18): which requests, in which versions, the broker serves.
///
/// v1: throttle time. v3: flexible, the client's software and version (KIP-511). v4: a feature's minimum may be 0.
/// The answer's tagged fields name features (KIP-584): `transaction.version` 2 tells a client that it may use KIP-890's second part.
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
    /// Levels that the broker could have, and those that it has; a client heeds the latter.
    var supportedFeatures: [Feature] = []
    var finalizedFeatures: [Feature] = []
    /// -1: the finalized features are not known.
    var finalizedFeaturesEpoch: Int64 = -1

    static let transactionVersion = "transaction.version"

    struct Feature: WireStruct, Equatable {
        var name = ""
        /// Of a supported feature its least level; of a finalized one its greatest, which stands first there.
        var first: Int16 = 0
        var second: Int16 = 0

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&first)
            try coder.code(&second)
            try coder.tags()
        }
    }

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
        var tagged = try taggedFeatures(version: coder.version)
        try coder.tags(&tagged)
        try readFeatures(tagged, version: coder.version)
    }

    private enum Tag {
        static let supported: UInt32 = 0, epoch: UInt32 = 1, finalized: UInt32 = 2
    }

    private func taggedFeatures(version: Int16) throws(WireError) -> TaggedFields {
        var tagged = TaggedFields()
        // KAFKA-17011: clients of before version 4 cannot read a feature whose least level is 0.
        var supported = supportedFeatures.filter { version >= 4 || $0.first > 0 }
        var finalized = finalizedFeatures
        if !supported.isEmpty {
            var encoder = WireEncoder(ByteBuffer(), version: version, flexible: true)
            try encoder.code(&supported)
            tagged[Tag.supported] = encoder.buffer
        }
        if finalizedFeaturesEpoch >= 0 { tagged[Tag.epoch] = ByteBuffer(integer: finalizedFeaturesEpoch) }
        if !finalized.isEmpty {
            var encoder = WireEncoder(ByteBuffer(), version: version, flexible: true)
            try encoder.code(&finalized)
            tagged[Tag.finalized] = encoder.buffer
        }
        return tagged
    }

    private mutating func readFeatures(_ tagged: TaggedFields, version: Int16) throws(WireError) {
        func features(_ tag: UInt32) throws(WireError) -> [Feature] {
            guard let bytes = tagged[tag] else { return [] }
            var decoder = WireDecoder(bytes, version: version, flexible: true)
            var features: [Feature] = []
            try decoder.code(&features)
            return features
        }
        supportedFeatures = try features(Tag.supported)
        finalizedFeatures = try features(Tag.finalized)
        finalizedFeaturesEpoch = tagged[Tag.epoch]?.getInteger(at: tagged[Tag.epoch]!.readerIndex) ?? -1
    }

    /// The broker's answer, derived from what each request's file advertises.
    static let advertised = APIVersionsResponse(
        keys: APIKey.allCases.map {
            Key(key: $0.rawValue, minVersion: $0.versions.advertised.lowerBound, maxVersion: $0.versions.advertised.upperBound)
        },
        supportedFeatures: [.init(name: transactionVersion, first: 0, second: 2)],
        finalizedFeatures: [.init(name: transactionVersion, first: 2, second: 2)], finalizedFeaturesEpoch: 1)
}
