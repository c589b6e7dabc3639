"""PySpark against the engine's connectors: Kafka, Cassandra, PostgreSQL and sockets, as scripts write them."""

import contextlib
import datetime
import decimal
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import threading
import uuid

import pytest

from leat import Leat, free_ports, wait_until

pytest.importorskip("pyspark")
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from pyspark.errors import AnalysisException, PySparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("connectors")
    ports = free_ports(["broker", "container", "store", "engine"])
    with contextlib.ExitStack() as stack:
        for name in ("broker", "store", "engine"):
            settings = {}
            if name == "engine":
                settings = {"engine.kafka.bootstrap": f"127.0.0.1:{ports['broker']}", "engine.cassandra.contact": f"127.0.0.1:{ports['store']}"}
            own = {key: ports[key] for key in (("broker", "container") if name == "broker" else (name,))}
            box = stack.enter_context(Leat(folder / name, name, ports=own, settings=settings))
            box.wait_for_ports(name)
        yield ports


@pytest.fixture(scope="module")
def spark(boxes):
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{boxes['engine']}").appName("connectors").getOrCreate()
    import sys

    session.conf.set("spark.pyspark.python", sys.executable)
    yield session
    session.stop()


@pytest.fixture(scope="module")
def kafka(boxes):
    return f"127.0.0.1:{boxes['broker']}"


@pytest.fixture(scope="module")
def cassandra(boxes):
    from cassandra.cluster import Cluster

    cluster = Cluster(["127.0.0.1"], port=boxes["store"])
    session = cluster.connect()
    session.execute("CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    yield session
    cluster.shutdown()


def find_postgres():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return pathlib.Path(path).parent if path else None


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A PostgreSQL server in a temporary folder; it refuses to run as root, so that root lends it the user `postgres`."""
    programs = find_postgres()
    if programs is None:
        reason = "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
        print(reason)
        pytest.skip(reason)
    folder = pathlib.Path("/tmp") / f"leat-postgres-{uuid.uuid4().hex[:12]}"
    folder.mkdir(mode=0o700)
    user = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    port = free_ports(["postgres"])["postgres"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder, **user}
    try:
        subprocess.run([programs / "initdb", "-D", folder / "data", "-U", "leat", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"], check=True, **quiet)
        server = subprocess.Popen([programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"], **quiet)
        try:
            def query(sql):
                answer = subprocess.run(
                    [programs / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "leat", "-d", "postgres", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql],
                    capture_output=True, text=True)
                assert answer.returncode == 0, answer.stderr
                return [tuple(line.split("|")) for line in answer.stdout.splitlines()]

            wait_until("PostgreSQL", lambda: query("SELECT 1"), 30)
            query.url = f"jdbc:postgresql://127.0.0.1:{port}/postgres?user=leat"
            yield query
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create(address, *names, partitions=1):
    admin = AdminClient({"bootstrap.servers": address})
    for future in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        future.result(20)


def produce(address, topic, records):
    producer = Producer({"bootstrap.servers": address})
    for key, value in records:
        producer.produce(topic, value, key=key)
    assert producer.flush(20) == 0


def committed(address, topic, partitions=1):
    """What readers of committed records see, as (key, value, headers)."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "isolation.level": "read_committed", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
    found, ended = [], 0
    while ended < partitions:
        message = consumer.poll(20)
        assert message is not None, "the broker does not answer"
        if message.error():
            assert message.error().code() == -191, message.error()
            ended += 1
        else:
            found.append((message.key(), message.value(), message.headers()))
    consumer.close()
    return found


# MARK: Kafka


def test_a_stream_of_json_goes_from_topic_to_topic(spark, kafka, tmp_path):
    create(kafka, "plain", "enriched", partitions=2)
    produce(kafka, "plain", [(f"k{n}", json.dumps({"id": n, "name": f"n{n}"})) for n in range(500)])
    users = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka).option("subscribe", "plain")
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", 90).load()
        .select("key", F.from_json(F.col("value").cast("string"), "id INT, name STRING").alias("data")).select("key", "data.*")
    )
    query = (
        users.withColumn("twice", F.col("id") * 2).select(F.col("key").cast("string"), F.to_json(F.struct("*")).alias("value"))
        .writeStream.format("kafka").option("kafka.bootstrap.servers", kafka).option("topic", "enriched")
        .option("checkpointLocation", str(tmp_path / "c")).trigger(availableNow=True).start()
    )
    assert query.awaitTermination(60) and query.exception() is None
    records = committed(kafka, "enriched", 2)
    assert sorted(json.loads(value)["twice"] for _, value, _ in records) == [2 * n for n in range(500)]
    assert {key for key, _, _ in records} == {f"k{n}".encode() for n in range(500)}


def test_a_kafka_sink_says_what_a_frame_lacks(spark, kafka, tmp_path):
    stream = spark.readStream.format("rate").load()
    with pytest.raises(PySparkException, match="Required attribute 'value' not found"):
        (stream.select(F.col("timestamp").cast("string").alias("key")).writeStream.format("kafka")
         .option("kafka.bootstrap.servers", kafka).option("topic", "x").option("checkpointLocation", str(tmp_path / "a")).start())
    with pytest.raises(PySparkException, match="topic option required when no 'topic' attribute is present"):
        spark.createDataFrame([("v",)], "value string").write.format("kafka").option("kafka.bootstrap.servers", kafka).save()
    with pytest.raises(PySparkException, match="Save mode Overwrite not allowed for Kafka"):
        spark.createDataFrame([("v",)], "value string").write.format("kafka").mode("overwrite").option("topic", "x").save()


def test_a_batch_is_written_and_read_with_headers_and_times(spark, kafka):
    create(kafka, "batch-a", "batch-b")
    rows = [("batch-a", "k", "one"), ("batch-b", None, "two"), ("batch-a", "k", "three")]
    (spark.createDataFrame(rows, "topic string, key string, value string")
     .withColumn("headers", F.array(F.struct(F.lit("h").alias("key"), F.lit("x").cast("binary").alias("value"))))
     .write.format("kafka").option("kafka.bootstrap.servers", kafka).save())
    assert committed(kafka, "batch-a") == [(b"k", b"one", [("h", b"x")]), (b"k", b"three", [("h", b"x")])]
    frame = (
        spark.read.format("kafka").option("kafka.bootstrap.servers", kafka).option("subscribePattern", "batch-.")
        .option("includeHeaders", "true").option("kafka.isolation.level", "read_committed").load()
    )
    got = frame.select(F.col("value").cast("string").alias("v"), F.col("headers")[0]["key"].alias("h")).orderBy("v").collect()
    assert [tuple(row) for row in got] == [("one", "h"), ("three", "h"), ("two", "h")]
    later = (
        spark.read.format("kafka").option("kafka.bootstrap.servers", kafka).option("assign", '{"batch-a":[0]}')
        .option("startingOffsets", '{"batch-a":{"0":1}}').option("endingOffsets", "latest").load()
    )
    assert [bytes(row.value) for row in later.select("value").collect()] == [b"three"]


def test_a_pattern_finds_topics_that_appear_later(spark, kafka, tmp_path):
    create(kafka, "later-1")
    produce(kafka, "later-1", [(None, "a")])
    query = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka).option("subscribePattern", "later-[0-9]+")
        .option("startingOffsets", "earliest").load().selectExpr("topic", "CAST(value AS STRING) AS value")
        .writeStream.format("memory").queryName("later").start()
    )
    try:
        wait_until("the first", lambda: spark.sql("SELECT * FROM later").count() == 1)
        create(kafka, "later-2", "other-1")
        produce(kafka, "later-2", [(None, "b")])
        wait_until("the topic that is new", lambda: sorted(map(tuple, spark.sql("SELECT * FROM later").collect())) == [("later-1", "a"), ("later-2", "b")])
    finally:
        query.stop()


# MARK: Cassandra


def test_a_table_is_read_filtered_joined_and_written(spark, cassandra):
    cassandra.execute("CREATE TABLE ks.people (id uuid PRIMARY KEY, name text, tags set<text>, scores map<text, int>, paid decimal, born date, seen timestamp)")
    cassandra.execute("CREATE TABLE ks.copy (id uuid PRIMARY KEY, name text, tags set<text>, scores map<text, int>, paid decimal, born date, seen timestamp)")
    ids = [uuid.uuid4() for _ in range(300)]
    statement = cassandra.prepare("INSERT INTO ks.people (id, name, tags, scores, paid, born, seen) VALUES (?, ?, ?, ?, ?, ?, ?)")
    for number, identity in enumerate(ids):
        cassandra.execute(statement, (identity, f"n{number}", {"x", "y"}, {"a": number}, decimal.Decimal("1.25"), datetime.date(2000, 1, 1), datetime.datetime(2024, 1, 1, 12)))
    people = spark.read.format("org.apache.spark.sql.cassandra").options(table="people", keyspace="ks").load()
    assert people.count() == 300 and people.schema["id"].dataType.simpleString() == "string"
    row = people.filter(F.col("id") == str(ids[7])).collect()[0]
    assert (row.name, sorted(row.tags), row.scores, row.paid, row.born) == ("n7", ["x", "y"], {"a": 7}, decimal.Decimal("1.25"), datetime.date(2000, 1, 1))
    people.createOrReplaceTempView("people")
    assert spark.sql("SELECT sum(scores['a']) AS s FROM people WHERE name LIKE 'n1%'").collect()[0].s == sum(n for n in range(300) if str(n).startswith("1"))
    people.write.format("org.apache.spark.sql.cassandra").mode("append").options(table="copy", keyspace="ks").save()
    assert {tuple(map(str, r)) for r in cassandra.execute("SELECT id, name, tags, scores FROM ks.copy")} == {
        tuple(map(str, r)) for r in cassandra.execute("SELECT id, name, tags, scores FROM ks.people")}
    few = people.limit(5)
    with pytest.raises(PySparkException, match="confirm.truncate"):
        few.write.format("org.apache.spark.sql.cassandra").mode("overwrite").options(table="copy", keyspace="ks").save()
    few.write.format("org.apache.spark.sql.cassandra").mode("overwrite").options(table="copy", keyspace="ks").option("confirm.truncate", "true").save()
    assert cassandra.execute("SELECT count(*) FROM ks.copy").one()[0] == 5
    with pytest.raises(AnalysisException, match="cannot be found"):
        spark.read.format("org.apache.spark.sql.cassandra").options(table="nothing", keyspace="ks").load().count()


# MARK: PostgreSQL

TYPES = """CREATE TABLE types (b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric(10,2), wide numeric, t text, v varchar(10),
    c char(3), by bytea, d date, ts timestamp, tz timestamptz, u uuid, js jsonb, ia integer[], ta text[], iv interval, ip inet)"""


def test_every_type_of_postgres_is_read(spark, postgres):
    postgres(TYPES)
    postgres("""INSERT INTO types VALUES (true, -1, 2, 3000000000, 1.5, -2.25, -12345.67, 1234567890.123456789, 'grüße', 'vc', 'c', '\\xff00', '2024-02-29', '2024-01-01 00:00:00.25',
        '2024-01-01 01:00:00+01', 'a1b2c3d4-0000-4000-8000-000000000001', '{"a": 1}', '{1,NULL,3}', '{"x","y z"}', '1 day', '10.0.0.1')""")
    postgres("INSERT INTO types (i4) VALUES (NULL)")
    frame = spark.read.format("jdbc").option("url", postgres.url).option("dbtable", "types").option("driver", "org.postgresql.Driver").load()
    assert frame.schema.simpleString() == (
        "struct<b:boolean,i2:smallint,i4:int,i8:bigint,f4:float,f8:double,n:decimal(10,2),wide:decimal(38,18),t:string,v:string,c:string,by:binary,d:date,"
        "ts:timestamp,tz:timestamp,u:string,js:string,ia:array<int>,ta:array<string>,iv:string,ip:string>")
    full, empty = sorted(frame.collect(), key=lambda row: row.i4 is None)
    assert (full.b, full.i2, full.i4, full.i8, full.f4, full.f8) == (True, -1, 2, 3000000000, 1.5, -2.25)
    assert (full.n, full.wide) == (decimal.Decimal("-12345.67"), decimal.Decimal("1234567890.123456789"))
    assert (full.t, full.v, full.c, bytes(full.by), full.d) == ("grüße", "vc", "c  ", b"\xff\x00", datetime.date(2024, 2, 29))
    assert (full.u, full.js, full.ia, full.ta, full.iv, full.ip) == ("a1b2c3d4-0000-4000-8000-000000000001", '{"a": 1}', [1, None, 3], ["x", "y z"], "1 day", "10.0.0.1/32")
    assert frame.filter("tz = timestamp'2024-01-01 00:00:00Z' AND ts = timestamp'2024-01-01 00:00:00.25Z'").count() == 1
    assert set(empty) == {None}
    query = spark.read.format("jdbc").options(url=postgres.url, query="SELECT i4 + 1 AS x FROM types WHERE i4 IS NOT NULL").load()
    assert [row.x for row in query.collect()] == [3]


def test_frames_are_written_to_postgres_in_every_mode(spark, postgres):
    rows = [(n, f"tab\t, back\\slash, line\n{n}", n / 3, decimal.Decimal(n), datetime.date(2024, 1, 1), [f'q"{n}', None], bytes([n % 256, 0])) for n in range(1000)]
    frame = spark.createDataFrame(rows, "id int, s string, f double, d decimal(12,2), day date, tags array<string>, raw binary")
    frame = frame.withColumn("at", F.lit("2024-01-01 00:00:00.5Z").cast("timestamp"))
    writer = lambda mode, data=frame, **options: data.write.format("jdbc").mode(mode).options(url=postgres.url, dbtable="written", **options).save()  # noqa: E731
    writer("error")
    back = spark.read.jdbc(postgres.url, "written")
    assert sorted(map(tuple, back.drop("raw", "at").collect())) == sorted(row[:-1] for row in rows)
    assert postgres("SELECT count(*), sum(id), max(at) AT TIME ZONE 'UTC' FROM written WHERE encode(raw, 'hex') LIKE '%00'") == [("1000", "499500", "2024-01-01 00:00:00.5")]
    assert back.schema["at"].dataType.simpleString() == "timestamp"
    with pytest.raises(AnalysisException, match="already exists"):
        writer("error")
    writer("ignore")
    writer("append", frame.limit(10))
    assert spark.read.jdbc(postgres.url, "written", column="id", lowerBound=0, upperBound=1000, numPartitions=4, properties={"fetchsize": "100"}).count() == 1010
    postgres("ALTER TABLE written ADD COLUMN kept int DEFAULT 7")
    writer("overwrite", frame.limit(3), truncate="true")
    assert postgres("SELECT count(*), max(kept) FROM written") == [("3", "7")]
    writer("overwrite", frame.limit(4))
    assert "kept" not in spark.read.jdbc(postgres.url, "written").columns
    with pytest.raises(AnalysisException, match="is not defined in table"):
        writer("append", frame.withColumn("more", F.lit(1)))
    # What fails leaves the table as it was.
    postgres("ALTER TABLE written ADD CHECK (id < 2000)")
    with pytest.raises(PySparkException, match="violates check constraint"):
        writer("append", frame.withColumn("id", F.col("id") + F.lit(1500)))
    assert postgres("SELECT count(*) FROM written") == [("4",)]


def test_what_postgres_refuses_is_said(spark, postgres):
    with pytest.raises(AnalysisException, match="cannot be found"):
        spark.read.jdbc(postgres.url, "nothing_here").count()
    with pytest.raises(PySparkException, match="FAILED_JDBC.CONNECTION"):
        spark.read.jdbc(postgres.url.replace("leat", "nobody").split("?")[0] + "?user=nobody", "types").count()
    with pytest.raises(PySparkException, match="No suitable driver"):
        spark.read.jdbc("jdbc:mysql://localhost/x", "t").count()
    with pytest.raises(PySparkException, match="does not support streamed writing"):
        spark.readStream.format("rate").load().writeStream.format("jdbc").options(url=postgres.url, dbtable="x").start()


# MARK: foreachBatch, as people write it


def test_each_batch_goes_to_cassandra_to_postgres_and_to_kafka(spark, kafka, cassandra, postgres, tmp_path):
    create(kafka, "orders", "orders-out")
    cassandra.execute("CREATE TABLE ks.orders (id int PRIMARY KEY, total double)")
    produce(kafka, "orders", [(None, json.dumps({"id": n, "total": n * 1.5})) for n in range(40)])
    url = postgres.url

    def write_batch(df, batch_id):
        df.write.format("org.apache.spark.sql.cassandra").mode("append").options(table="orders", keyspace="ks").save()
        df.write.format("jdbc").mode("append").option("url", url).option("dbtable", "orders").option("driver", "org.postgresql.Driver").save()
        df.write.jdbc(url, "orders_too", mode="append", properties={"driver": "org.postgresql.Driver"})
        df.selectExpr("to_json(struct(*)) AS value").write.format("kafka").option("kafka.bootstrap.servers", kafka).option("topic", "orders-out").save()

    query = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka).option("subscribe", "orders").option("startingOffsets", "earliest").load()
        .select(F.from_json(F.col("value").cast("string"), "id INT, total DOUBLE").alias("data")).select("data.*")
        .writeStream.foreachBatch(write_batch).option("checkpointLocation", str(tmp_path / "c")).trigger(availableNow=True).start()
    )
    assert query.awaitTermination(60) and query.exception() is None, query.exception()
    assert cassandra.execute("SELECT count(*) FROM ks.orders").one()[0] == 40
    assert postgres("SELECT count(*), sum(total) FROM orders") == postgres("SELECT count(*), sum(total) FROM orders_too") == [("40", "1170")]
    assert len(committed(kafka, "orders-out")) == 40


# MARK: socket and rate


def test_lines_of_a_socket(spark):
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        with server.accept()[0] as peer:
            peer.sendall(b"one two\nthree\r\nwithout an end")
            peer.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    lines = spark.readStream.format("socket").option("host", "127.0.0.1").option("port", server.getsockname()[1]).option("includeTimestamp", "true").load()
    assert lines.schema.simpleString() == "struct<value:string,timestamp:timestamp>"
    query = lines.select(F.upper("value").alias("line")).writeStream.format("memory").queryName("words").start()
    try:
        wait_until("both lines", lambda: sorted(row.line for row in spark.sql("SELECT * FROM words").collect()) == ["ONE TWO", "THREE"])
    finally:
        query.stop()
        server.close()


def test_the_rate_source_takes_its_options(spark):
    stream = spark.readStream.format("rate").option("rowsPerSecond", 50).option("numPartitions", 4).option("rampUpTime", "2s").load()
    query = stream.writeStream.format("memory").queryName("rates").start()
    try:
        wait_until("rows", lambda: spark.sql("SELECT * FROM rates").count() > 20, 20)
        values = sorted(row.value for row in spark.sql("SELECT value FROM rates").collect())
        assert values == list(range(len(values)))
    finally:
        query.stop()
