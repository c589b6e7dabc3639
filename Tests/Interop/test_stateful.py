"""Aggregates, watermarks and duplicates of streams, in scripts as people write them."""

import json
import sys
import time
import uuid

import pytest

from leat import wait_until

pyspark = pytest.importorskip("pyspark")
from pyspark.errors import AnalysisException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.types import IntegerType, StringType, StructField, StructType, TimestampType  # noqa: E402

SCHEMA = StructType([StructField("user", StringType()), StructField("amount", IntegerType()), StructField("at", TimestampType())])


@pytest.fixture(scope="module")
def spark(stack):
    session = (
        SparkSession.builder.remote(f"sc://{stack.address('engine')}").appName("stateful")
        .config("spark.pyspark.python", sys.executable).config("spark.cassandra.connection.host", "127.0.0.1").config("spark.cassandra.connection.port", str(stack.ports["store"]))
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture()
def topic(stack):
    """A topic of its own, and what sends events of (user, amount, minutes) to it."""
    from kafka import KafkaProducer

    name = f"events_{uuid.uuid4().hex[:8]}"
    producer = KafkaProducer(bootstrap_servers=stack.address("broker"))

    def send(*events):
        for user, amount, minutes in events:
            at = f"2026-01-01T{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{int(minutes % 1 * 60):02d}Z"
            producer.send(name, json.dumps({"user": user, "amount": amount, "at": at}).encode())
        producer.flush()

    yield name, send
    producer.close()


def events(spark, stack, name):
    raw = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", stack.address("broker")).option("subscribe", name)
        .option("startingOffsets", "earliest").load()
    )
    return raw.select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("data")).select("data.*")


def test_tumbling_windows_to_the_console(spark, stack, topic):
    name, send = topic
    counts = (
        events(spark, stack, name).withWatermark("at", "2 minutes").groupBy(F.window("at", "1 minute"), "user").count()
        .writeStream.outputMode("update").format("console").option("truncate", "false").start()
    )
    try:
        send(("ann", 1, 10), ("bob", 2, 10.5), ("ann", 3, 10.5))
        wait_until("the first counts", lambda: any("|ann |2    |" in line for line in stack.lines))
        assert any("{2026-01-01 00:10:00, 2026-01-01 00:11:00}" in line for line in stack.lines)
    finally:
        counts.stop()


def test_tumbling_windows_to_cassandra(spark, stack, cassandra, topic, tmp_path):
    name, send = topic
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.per_minute (user text, start timestamp, n bigint, total bigint, PRIMARY KEY (user, start))")
    totals = (
        events(spark, stack, name).withWatermark("at", "2 minutes").groupBy(F.window(F.col("at"), "1 minute"), F.col("user"))
        .agg(F.count("*").alias("n"), F.sum("amount").alias("total")).select("user", F.col("window.start").alias("start"), "n", "total")
    )

    def start():
        return (
            totals.writeStream.format("org.apache.spark.sql.cassandra").option("keyspace", "interop").option("table", "per_minute")
            .option("checkpointLocation", str(tmp_path / "checkpoint")).outputMode("append").start()
        )

    def rows():
        return sorted((row.user, row.start.minute, row.n, row.total) for row in cassandra.execute("SELECT * FROM interop.per_minute"))

    query = start()
    send(("ann", 1, 10), ("bob", 2, 10.5), ("ann", 3, 10.7), ("ann", 4, 11.2))
    wait_until("the batch", lambda: query.lastProgress and query.lastProgress["stateOperators"])
    assert rows() == []
    # Beyond 11 + 2 minutes: the window of 10 is done.
    send(("ann", 5, 13.5))
    wait_until("the first window", lambda: rows() == [("ann", 10, 2, 4), ("bob", 10, 1, 2)])
    query.stop()
    # It goes on from its state: a late event is dropped and counted, the window of 11 still knows its event.
    query = start()
    try:
        send(("ann", 100, 10.1), ("ann", 6, 11.5), ("ann", 7, 20))
        wait_until("the other windows", lambda: len(rows()) == 4)
        assert rows() == [("ann", 10, 2, 4), ("ann", 11, 2, 10), ("ann", 13, 1, 5), ("bob", 10, 1, 2)]
        dropped = sum(p["stateOperators"][0]["numRowsDroppedByWatermark"] for p in query.recentProgress if p["stateOperators"])
        assert dropped == 1
        assert query.lastProgress["eventTime"]["watermark"].startswith("2026-01-01T00:18:00")
    finally:
        query.stop()


def test_complete_counts_to_memory(spark, stack, topic):
    name, send = topic
    query = events(spark, stack, name).groupBy("user").count().writeStream.outputMode("complete").format("memory").queryName("by_user").start()
    try:
        send(("ann", 1, 1), ("bob", 1, 1))
        wait_until("both", lambda: {(row["user"], row["count"]) for row in spark.table("by_user").collect()} == {("ann", 1), ("bob", 1)})
        send(("ann", 1, 2))
        wait_until("the second", lambda: {(row["user"], row["count"]) for row in spark.sql("SELECT * FROM by_user").collect()} == {("ann", 2), ("bob", 1)})
    finally:
        query.stop()


def test_duplicates_reach_foreach_batch_once(spark, stack, topic, tmp_path):
    name, send = topic
    seen = tmp_path / "seen"

    def write(frame, batch):
        with open(seen, "a") as file:
            file.writelines(f"{row.user}\n" for row in frame.collect())

    query = events(spark, stack, name).withWatermark("at", "10 minutes").dropDuplicates(["user", "at"]).writeStream.foreachBatch(write).start()
    try:
        send(("ann", 1, 5), ("ann", 1, 5), ("bob", 1, 5))
        wait_until("two", lambda: seen.exists() and sorted(seen.read_text().split()) == ["ann", "bob"])
        send(("ann", 1, 5), ("cid", 1, 6))
        wait_until("the third", lambda: "cid" in seen.read_text())
        assert sorted(seen.read_text().split()) == ["ann", "bob", "cid"]
    finally:
        query.stop()


def test_streams_join_tables(spark, stack, topic):
    name, send = topic
    people = spark.createDataFrame([("ann", "Rome"), ("bob", "Oslo")], "user string, city string")
    query = events(spark, stack, name).join(people, "user").groupBy("city").agg(F.sum("amount").alias("total")).writeStream
    query = query.outputMode("complete").format("memory").queryName("by_city").start()
    try:
        send(("ann", 3, 1), ("bob", 4, 1), ("nobody", 5, 1), ("ann", 6, 2))
        wait_until("sums", lambda: {(row.city, row.total) for row in spark.table("by_city").collect()} == {("Rome", 9), ("Oslo", 4)})
    finally:
        query.stop()


def test_what_is_refused(spark, stack, topic):
    stream = events(spark, stack, topic[0])
    with pytest.raises(AnalysisException, match="streaming aggregations without watermark"):
        stream.groupBy("user").count().writeStream.format("console").start()
    with pytest.raises(AnalysisException, match="no streaming aggregations"):
        stream.writeStream.outputMode("complete").format("console").start()
    with pytest.raises(AnalysisException, match="Sorting is not supported"):
        stream.orderBy("user").writeStream.format("console").start()
