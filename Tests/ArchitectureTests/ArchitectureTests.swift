import Foundation
import Testing

/// Holds every file's imports, and the folders inside one module, against the floors that ARCHITECTURE.md draws.
///
/// SwiftPM already refuses an import that the manifest does not list; this holds the manifest's picture itself, and the
/// borders that no compiler sees: between the folders of one module.
@Suite struct FloorsTests {
    /// Module to the modules of this package that it may import. A module that is not listed may import none.
    static let floors: [String: Set<String>] = [
        "IO": [],
        "HTTPServing": ["IO"],
        "Kafka": ["IO", "CCRC32C", "CCodecs", "CRdkafka"],
        "Cassandra": ["IO", "CCRC32C", "CCodecs", "CRocksDB"],
        "Spark": ["IO", "Kafka", "Cassandra", "CSimdjson", "CCodecs", "CRocksDB", "CPostgres"],
        "SchemaRegistry": ["IO", "HTTPServing", "Kafka"],
        "Scheduler": ["IO", "HTTPServing", "Kafka"],
        "ZooKeeper": ["IO", "Kafka"],
        "RandomUser": ["IO", "HTTPServing"],
        "Console": ["IO", "HTTPServing", "Kafka", "Cassandra", "Spark"],
        "Stack": ["IO", "Kafka", "Cassandra", "Spark", "SchemaRegistry", "Scheduler", "ZooKeeper", "RandomUser", "Console"],
        "Leat": ["IO", "Kafka", "Cassandra", "Spark", "Scheduler", "RandomUser", "Stack"],
        "Users": ["Leat"],
        "LeatCommand": [
            "IO", "Kafka", "Cassandra", "Spark", "SchemaRegistry", "Scheduler", "ZooKeeper", "RandomUser", "Console", "Stack", "Leat",
            "Users", "CEdit", "CCRC32C", "CCodecs", "CRocksDB", "CRdkafka", "CSimdjson", "CMalloc",
        ],
    ]

    /// Folder of a module to the folders beside it whose types it may name.
    static let folders: [String: [String: Set<String>]] = [
        "Kafka": ["Protocol": [], "Broker": ["Protocol"], "Client": ["Protocol"]],
        "Cassandra": ["Protocol": [], "Store": ["Protocol"], "Server": ["Protocol", "Store"], "Client": ["Protocol"]],
        "Spark": ["Plan": [], "Engine": ["Plan", "Connect"], "Connect": ["Plan", "Engine"]],
    ]

    /// Names that a folder's files may use beyond its rule. Constants are folded by the engine's own kernels, which the resolver calls by
    /// this one name; it ought to be given them.
    static let exceptions: [String: Set<String>] = ["Spark/Plan": ["PlanCompiler"]]

    /// What each module may use of another module that has a server folder: never the server's types, but for the composition root.
    static let serverFolders = ["Kafka": ["Broker"], "Cassandra": ["Store", "Server"]]
    static let compositionRoots: Set<String> = ["Stack", "LeatCommand"]

    /// No channel, socket or file in a protocol.
    static let forbiddenInProtocols: Set<String> = ["NIOPosix", "NIOSSL", "Foundation", "Glibc", "Dispatch", "_NIOFileSystem"]

    let sources: [SourceFile]

    init() throws {
        sources = try SourceFile.all()
        try #require(sources.count > 50, "the sources were not found")
    }

    @Test func everyModuleImportsOnlyLowerFloors() {
        let known = Set(Self.floors.keys).union(sources.map(\.module)).union([
            "CCRC32C", "CCodecs", "CRdkafka", "CRocksDB", "CSimdjson", "CEdit",
        ])
        for file in sources {
            for imported in file.imports where known.contains(imported) && imported != file.module {
                #expect(
                    Self.floors[file.module, default: []].contains(imported),
                    "\(file.path) imports \(imported), which is not below \(file.module)")
            }
        }
    }

    @Test func floorsHaveNoCycle() {
        var settled: Set<String> = []
        var left = Self.floors
        while let next = left.first(where: { $0.value.filter { Self.floors[$0] != nil }.isSubset(of: settled) }) {
            settled.insert(next.key)
            left[next.key] = nil
        }
        #expect(left.isEmpty, "these modules lean on one another: \(left.keys.sorted())")
    }

    @Test func protocolsDoNoIO() {
        for file in sources where file.folder == "Protocol" || (file.module == "Spark" && file.folder == "Plan") {
            for imported in file.imports {
                #expect(!Self.forbiddenInProtocols.contains(imported), "\(file.path) is a protocol's file and imports \(imported)")
            }
        }
    }

    @Test func foldersOfOneModuleNameOnlyTypesOfFoldersThatTheyMayUse() {
        for (module, rules) in Self.folders {
            let files = sources.filter { $0.module == module }
            let owners = Self.owners(of: files)
            for file in files {
                guard let allowed = rules[file.folder] else { continue }
                // A nested type (`MetadataResponse.Topic`) may share its name with another folder's own.
                let within = files.filter { $0.folder == file.folder || allowed.contains($0.folder) }
                let known = Set(within.flatMap(\.nested))
                let excepted = Self.exceptions["\(module)/\(file.folder)", default: []]
                for name in file.names where !known.contains(name) && !excepted.contains(name) {
                    guard let owner = owners[name], owner != file.folder else { continue }
                    #expect(allowed.contains(owner), "\(file.path) names \(name), which \(module)/\(owner) declares")
                }
            }
        }
    }

    @Test func serversAreReachedThroughTheirClients() {
        for (module, serverFolders) in Self.serverFolders {
            let owners = Self.owners(of: sources.filter { $0.module == module })
            // Names of the client's side, and of the reading module itself, are no servers'.
            let clientSide = Set(sources.filter { $0.module == module && !serverFolders.contains($0.folder) }.flatMap(\.nested))
            for file in sources where file.module != module && !Self.compositionRoots.contains(file.module) && file.imports.contains(module)
            {
                let ownTypes = clientSide.union(sources.filter { $0.module == file.module }.flatMap(\.nested))
                for name in file.names where !ownTypes.contains(name) {
                    guard let owner = owners[name] else { continue }
                    #expect(
                        !serverFolders.contains(owner), "\(file.path) names \(name) of \(module)/\(owner): it must go through the client")
                }
            }
        }
    }

    @Test func everyFileStandsInAKnownModule() {
        for file in sources {
            #expect(Self.floors[file.module] != nil, "\(file.path) stands in a module that has no floor")
        }
    }

    /// Top-level type names to the one folder that declares them; names that several folders declare are left out.
    private static func owners(of files: [SourceFile]) -> [String: String] {
        var owners: [String: String] = [:]
        var shared: Set<String> = []
        for file in files {
            for name in file.declarations {
                if let other = owners[name], other != file.folder { shared.insert(name) }
                owners[name] = file.folder
            }
        }
        for name in shared { owners[name] = nil }
        return owners
    }
}
