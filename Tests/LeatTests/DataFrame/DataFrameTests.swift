import Leat
import Spark
import Testing

private let spark = SparkSession.unbound

private func source() -> DataFrame {
    spark.readStream.format("kafka").option("subscribe", "users_created").option("startingOffsets", "earliest").load()
}

private func plan(_ frame: DataFrame) throws -> LogicalPlan {
    try frame.writeStream.format("noop").definition.plan
}

private let read = LogicalPlan.read(
    DataSourceRead(format: "kafka", options: ["subscribe": "users_created", "startingOffsets": "earliest"], isStreaming: true))

@Suite("The DataFrame API")
struct DataFrameTests {
    @Test("the users query is the plan that its words say")
    func usersQuery() throws {
        let schema = Leat.StructType("id STRING, age INT")
        let definition =
            try source()
            .selectExpr("CAST(value AS STRING)")
            .select(from_json(col("value"), schema).alias("data"))
            .select("data.*")
            .writeStream.queryName("users")
            .format("org.apache.spark.sql.cassandra")
            .option("keyspace", "spark_streams").option("table", "created_users").option("checkpointLocation", "/tmp/checkpoint")
            .outputMode("append").trigger(.processingTime(.seconds(5)))
            .definition
        let json = Spark.StructType([Spark.StructField("id", .string), Spark.StructField("age", .integer)]).json
        let expected = LogicalPlan.project(
            [.star(["data"])],
            .project(
                [.alias(.function(name: "from_json", arguments: [.attribute(["value"]), .literal(.string(json))]), name: "data")],
                .project([try Spark.Expression(selectItem: "CAST(value AS STRING)")], read)))
        #expect(definition.plan == expected)
        #expect(definition.name == "users")
        #expect(definition.sink.format == "org.apache.spark.sql.cassandra")
        #expect(definition.sink.options["KEYSPACE"] == "spark_streams")
        #expect(definition.checkpointLocation == "/tmp/checkpoint")
        #expect(definition.outputMode == .append)
        #expect(definition.trigger == .processingTime(.seconds(5)))
    }

    @Test("each method on a frame adds its node")
    func nodes() throws {
        let age = Spark.Expression.attribute(["age"])
        #expect(try plan(source().filter(col("age") >= 18)) == .filter(.call(">=", age, .literal(.integer(18))), read))
        #expect(try plan(source().where("age >= 18")) == .filter(try Spark.Expression(sql: "age >= 18"), read))
        #expect(try plan(source().withColumn("n", lit(1))) == .withColumns([NamedExpression("n", .literal(.integer(1)))], read))
        #expect(try plan(source().withColumnRenamed("a", "b")) == .renamed(["a": "b"], read))
        #expect(try plan(source().drop("a", "b")) == .drop(["a", "b"], read))
        #expect(try plan(source().limit(3)) == .limit(3, read))
        #expect(try plan(source().union(source())) == .union(read, read))
        #expect(try plan(source().select("*")) == .project([.star([])], read))
        #expect(source().isStreaming)
        #expect(!spark.read.format("kafka").load().isStreaming)
    }

    @Test("columns and functions are Spark's expressions")
    func columns() throws {
        func same(_ column: Column, _ sql: String) throws {
            let built = try plan(source().select(column))
            #expect(built == .project([try Spark.Expression(selectItem: sql)], read), "\(sql)")
        }
        func isCall(_ column: Column, _ expression: Spark.Expression) throws {
            #expect(try plan(source().select(column)) == .project([expression], read))
        }
        try same(col("a") + 1, "a + 1")
        try same((col("a") * 2).alias("b"), "a * 2 AS b")
        try same(col("a").cast("bigint"), "CAST(a AS BIGINT)")
        try same(col("a").cast(.decimal(precision: 10, scale: 2)), "CAST(a AS DECIMAL(10,2))")
        try same(expr("upper(a) AS b"), "upper(a) AS b")
        try same(upper(col("a")), "upper(a)")
        try same(concat_ws(", ", col("a"), col("b")), "concat_ws(', ', a, b)")
        try same(coalesce(col("a"), "none"), "coalesce(a, 'none')")
        try same(col("data.id"), "data.id")
        try isCall(
            when(col("a") > 1, "many").when(col("a") == 1, "one").otherwise("none"),
            .function(
                name: "when",
                arguments: [
                    .call(">", .attribute(["a"]), .literal(.integer(1))), .literal(.string("many")),
                    .call("==", .attribute(["a"]), .literal(.integer(1))), .literal(.string("one")), .literal(.string("none")),
                ]))
        try isCall(`struct`("a", "b"), .call("struct", .attribute(["a"]), .attribute(["b"])))
        try isCall(!col("a").isNull(), .call("not", .call("isNull", .attribute(["a"]))))
        try isCall(lit(nil), .literal(.null))
        try isCall(lit(Int(Int32.max) + 1), .literal(.long(Int64(Int32.max) + 1)))
        try isCall(col("a").getField("b"), .extractValue(.attribute(["a"]), key: .literal(.string("b"))))
        try isCall(col("a")[0], .extractValue(.attribute(["a"]), key: .literal(.integer(0))))
    }

    @Test("a text that does not parse is thrown where the query is looked at, and says where it is wrong")
    func deferredErrors() {
        func error(_ frame: DataFrame) -> SparkError? {
            do {
                _ = try plan(frame)
                return nil
            } catch {
                return error as? SparkError
            }
        }
        #expect(error(source().selectExpr("CAST(value AS"))?.errorClass == "PARSE_SYNTAX_ERROR")
        #expect(error(source().filter("a >"))?.errorClass == "PARSE_SYNTAX_ERROR")
        #expect(error(source().select(from_json(col("value"), Leat.StructType("id STRONG")))) != nil)
        #expect(error(source().withColumn("a", col("a").cast("no such type"))) != nil)
        #expect(error(source().select(col("a").otherwise(1)))?.errorClass == "INVALID_WHEN_USAGE")
        #expect(error(source().select(when(col("a"), 1).otherwise(2).otherwise(3)))?.errorClass == "INVALID_WHEN_USAGE")
        #expect(error(spark.readStream.load())?.errorClass == "DATA_SOURCE_NOT_FOUND")
        #expect(error(spark.read.format("kafka").load())?.errorClass == "WRITE_STREAM_NOT_ALLOWED")
        #expect(throws: SparkError.self) { try source().writeStream.definition }
        #expect(throws: SparkError.self) { try source().writeStream.format("noop").outputMode("replace").definition }
        #expect(throws: SparkError.self) { try source().writeStream.format("noop").trigger(.processingTime(.seconds(-1))).definition }
        #expect(throws: SparkError.self) { try spark.sql("SELECT 1") }
    }

    @Test("a schema is the same by text, by fields and by add")
    func schemas() {
        let byText = Leat.StructType("id STRING NOT NULL, tags ARRAY<STRING>, home STRUCT<city: STRING>")
        let home = Leat.StructType([.init("city", .string)])
        let byFields = Leat.StructType([
            .init("id", .string, nullable: false), .init("tags", .array(.string)), .init("home", .structure(home)),
        ])
        let byAdd = Leat.StructType().add("id", .string, nullable: false).add("tags", "ARRAY<STRING>").add("home", .structure(home))
        #expect(byText == byFields)
        #expect(byFields == byAdd)
        #expect(byText.fieldNames == ["id", "tags", "home"])
        #expect(byText.treeString.hasPrefix("root\n |-- id: string (nullable = false)\n"))
    }

    @Test("the session's configuration goes with the query; a session without an engine says so when a query is started")
    func session() async throws {
        let session = SparkSession.unbound
        session.conf.set("spark.cassandra.connection.host", "cassandra")
        let writer = session.readStream.format("rate").load().writeStream.format("noop")
        #expect(try writer.definition.options["spark.cassandra.connection.host"] == "cassandra")
        let error = await #expect(throws: SparkError.self) { try await writer.start() }
        #expect(error?.errorClass == "NO_ACTIVE_SESSION")
        #expect(throws: SparkError.self) { try session.readStream.format("rate").load().schema }
    }
}
