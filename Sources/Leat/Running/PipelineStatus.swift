/// What a pipeline is doing, as one line of `leat up --json` and as the live view shows it.
package struct PipelineStatus: Codable, Sendable, Equatable {
    package struct Users: Codable, Sendable, Equatable {
        /// Records that the DAG's runs have sent, all acknowledged.
        package var fetched = 0
        /// Requests to the API that failed and were made again.
        package var retried = 0
        /// What is to be known of the newest run's task: why its last try failed, or that it produced nothing.
        package var note: String?
        /// The newest run's try, 1 for the first.
        package var tryNumber = 0
        /// The newest run's state, in Airflow's words.
        package var run: String?
    }

    package struct Topic: Codable, Sendable, Equatable {
        package var name: String
        package var records = 0
    }

    package struct Query: Codable, Sendable, Equatable {
        package var name: String
        /// Spark's status message.
        package var status = "not started"
        package var isActive = false
        /// Records of the topic that the committed batches have read.
        package var rows = 0
        package var batch = 0
        /// How long the last batch that had rows took.
        package var batchMilliseconds = 0
        /// Records of the topic that no committed batch has read.
        package var lag = 0
        package var exception: String?
    }

    package struct Table: Codable, Sendable, Equatable {
        package var name: String
        package var rows = 0
        /// How long ago the rows were counted: a large table is counted more rarely.
        package var countedSecondsAgo: Double?
    }

    package struct Dropped: Codable, Sendable, Equatable {
        package var count = 0
        /// The topic that holds them.
        package var topic: String
        package var lastReason: String?
        /// Where the last one came from: `users_created[0]@1043`.
        package var lastPlace: String?
    }

    package var pipeline: String
    package var at: String
    package var uptimeSeconds: Double
    package var users = Users()
    package var topic: Topic?
    package var query: Query?
    package var table: Table?
    package var dropped: Dropped?
    package var memoryMiB = 0.0
    /// What could not be asked in this round, one box each.
    package var problems: [String] = []
}
