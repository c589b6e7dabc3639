// swift-tools-version: 6.2
import PackageDescription

/// The language features that every module is written in.
let features: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
]
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

/// One module for each box, on the floors that ARCHITECTURE.md draws; `Tests/ArchitectureTests` holds every import to them.
let package = Package(
    name: "leat",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Leat", targets: ["Leat"]),
        .executable(name: "leat", targets: ["LeatCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    ],
    targets: [
        // C and C++: one thin target a library.
        .target(name: "CCRC32C"),
        .target(name: "CMalloc"),
        .target(
            name: "CCodecs",
            linkerSettings: [
                .linkedLibrary("lz4"), .linkedLibrary("zstd"), .linkedLibrary("snappy"), .linkedLibrary("z"),
            ]),
        .target(name: "CRocksDB", linkerSettings: [.linkedLibrary("rocksdb")]),
        .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .systemLibrary(name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),

        // IO: what every box wants and no protocol knows.
        .target(name: "IO", dependencies: nio + [log, tls, collections], swiftSettings: features),
        // HTTPServing: the port of every box that answers HTTP.
        .target(name: "HTTPServing", dependencies: nio + ["IO", hummingbird, log, lifecycle], swiftSettings: features),

        // The boxes.
        .target(
            name: "Kafka",
            dependencies: nio + [
                "IO", "CCRC32C", "CCodecs", "CRdkafka", log, metrics, tls, collections, lifecycle,
                .product(name: "NIOExtras", package: "swift-nio-extras"),
            ],
            swiftSettings: features),
        .target(
            name: "Cassandra",
            dependencies: nio + [
                "IO", "CCRC32C", "CCodecs", "CRocksDB", log, metrics, tls, collections, lifecycle,
                .product(name: "NIOExtras", package: "swift-nio-extras"),
            ],
            swiftSettings: features),
        .target(
            name: "Spark",
            dependencies: nio + [
                "IO", "Kafka", "Cassandra", "CSimdjson", "CCodecs", "CRocksDB", "CPostgres", log, metrics, collections, lifecycle,
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
            ],
            swiftSettings: features),
        .target(
            name: "SchemaRegistry",
            dependencies: ["IO", "HTTPServing", "Kafka", hummingbird, log], swiftSettings: features),
        .target(
            name: "Scheduler",
            dependencies: [
                "IO", "HTTPServing", "Kafka", hummingbird, httpClient, log, metrics, collections,
                .product(name: "GRDB", package: "GRDB.swift"),
            ] + nio,
            swiftSettings: features),
        .target(name: "ZooKeeper", dependencies: nio + ["IO", "Kafka", log, lifecycle], swiftSettings: features),
        .target(
            name: "RandomUser", dependencies: ["IO", "HTTPServing", hummingbird, httpClient, log] + nio + [tls],
            swiftSettings: features),
        .target(
            name: "Console",
            dependencies: ["IO", "HTTPServing", "Kafka", "Cassandra", "Spark", hummingbird, httpClient, log] + nio,
            swiftSettings: features),
        .target(
            name: "Stack",
            dependencies: [
                "IO", "Kafka", "Cassandra", "Spark", "SchemaRegistry", "Scheduler", "ZooKeeper", "RandomUser", "Console",
                "Yams", log, metrics, lifecycle, httpClient,
            ] + nio,
            swiftSettings: features),
        .target(
            name: "Leat",
            dependencies: nio + ["IO", "Kafka", "Cassandra", "Spark", "Scheduler", "RandomUser", "Stack", log],
            swiftSettings: features),
        .target(name: "Users", dependencies: ["Leat"], path: "Examples/Users", swiftSettings: features),
        .executableTarget(
            name: "LeatCommand",
            dependencies: nio + [
                "IO", "Kafka", "Cassandra", "Spark", "SchemaRegistry", "Scheduler", "ZooKeeper", "RandomUser", "Console",
                "Stack", "Leat", "Users", "CEdit", "CMalloc", log, histogram, httpClient, lifecycle,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: features),

        // Tests mirror Sources.
        .testTarget(name: "IOTests", dependencies: ["IO"] + nio, swiftSettings: features),
        .testTarget(name: "HTTPServingTests", dependencies: ["HTTPServing", "IO", hummingbird, log] + nio, swiftSettings: features),
        .testTarget(
            name: "KafkaTests",
            dependencies: ["Kafka", "CCodecs", "CCRC32C", "CRdkafka", "IO", .product(name: "NIOEmbedded", package: "swift-nio")] + nio,
            swiftSettings: features),
        .testTarget(
            name: "CassandraTests",
            dependencies: ["Cassandra", "IO", .product(name: "NIOEmbedded", package: "swift-nio")] + nio,
            swiftSettings: features),
        .testTarget(
            name: "SparkTests", dependencies: ["Spark", "Kafka", "Cassandra", "IO"] + nio, exclude: ["Gold"], swiftSettings: features),
        .testTarget(name: "SchemaRegistryTests", dependencies: ["SchemaRegistry", "Kafka", "IO", httpClient], swiftSettings: features),
        .testTarget(
            name: "SchedulerTests",
            dependencies: nio + ["Scheduler", "IO", httpClient, .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: features),
        .testTarget(name: "ZooKeeperTests", dependencies: ["ZooKeeper", "IO"] + nio, swiftSettings: features),
        .testTarget(
            name: "RandomUserTests",
            dependencies: nio + [
                "RandomUser", "IO", httpClient, tls, .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            exclude: ["Fixtures"], swiftSettings: features),
        .testTarget(
            name: "ConsoleTests",
            dependencies: [
                "Console", "Kafka", "Cassandra", "Spark", "SchemaRegistry", "Scheduler", "RandomUser", "IO", httpClient, hummingbird,
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ] + nio,
            swiftSettings: features),
        .testTarget(name: "StackTests", dependencies: ["Stack", "IO"], swiftSettings: features),
        .testTarget(name: "LeatTests", dependencies: ["Leat", "Users", "Spark", "Scheduler", "Stack"], swiftSettings: features),
        .testTarget(name: "LeatCommandTests", dependencies: ["LeatCommand"], swiftSettings: features),
        .testTarget(name: "ArchitectureTests", swiftSettings: features),
    ],
    cxxLanguageStandard: .cxx17
)
