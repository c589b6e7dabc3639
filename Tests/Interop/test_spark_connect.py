"""PySpark against the engine's Spark Connect server: what a script sends, and what it gets back."""

import datetime
import decimal
import subprocess
import sys

import pytest

from leat import Leat, free_ports, wait_until

pyspark = pytest.importorskip("pyspark")
from pyspark.errors import AnalysisException, SparkNoSuchElementException  # noqa: E402
from pyspark.sql import Row, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    leat = Leat(tmp_path_factory.mktemp("engine"), "engine", ports=free_ports(["engine"]))
    with leat:
        leat.wait_for_ports("engine")
        yield leat
        leat.stop()


@pytest.fixture(scope="module")
def address(engine):
    return f"sc://{engine.address('engine')}"


@pytest.fixture(scope="module")
def spark(address):
    session = SparkSession.builder.remote(address).appName("interop").getOrCreate()
    yield session
    session.stop()


# Rows of every type that Spark has a value for.
DDL = """b boolean, t tinyint, sh smallint, i int, l bigint, f float, d double, dec decimal(10, 2), wide decimal(38, 10), s string,
    bin binary, da date, ts timestamp, tn timestamp_ntz, dt interval day to second, a array<int>, m map<string, int>,
    st struct<x: int, y: string>, deep array<struct<k: string, v: map<string, array<int>>>>"""
ALL = (
    True, -128, 32767, -(2**31), 2**63 - 1, 1.5, -2.25, decimal.Decimal("-12345678.90"), decimal.Decimal("1234567890123456789012345678.0123456789"),
    "grüße \U0001f30a", b"\x00\xff", datetime.date(1969, 12, 31), datetime.datetime(2024, 2, 29, 23, 59, 59, 999999),
    datetime.datetime(1950, 1, 1, 0, 0, 0, 1), datetime.timedelta(days=-1, microseconds=7), [1, None, 3], {"a": 1, "b": None}, (7, None),
    [("k", {"x": [1, 2], "y": []})],
)


def test_every_type_comes_back_as_it_went(spark):
    rows = spark.createDataFrame([ALL, tuple([None] * len(ALL)), ALL], DDL).collect()
    assert len(rows) == 3 and rows[1] == Row(*[None] * len(ALL))
    for row in (rows[0], rows[2]):
        for name, sent, got in zip(rows[0].__fields__, ALL, row):
            got = [tuple(one) for one in got] if name == "deep" else tuple(got) if name == "st" else got
            assert got == (bytearray(sent) if name == "bin" and isinstance(got, bytearray) else sent), name


def test_frames_without_rows_keep_their_schema(spark):
    frame = spark.createDataFrame([], "id int, name string")
    assert frame.collect() == [] and frame.schema.simpleString() == "struct<id:int,name:string>"


def test_arrow_and_pandas(spark):
    frame = spark.range(100_000).select(F.col("id"), (F.col("id") % 7).alias("k"), F.col("id").cast("string").alias("s"))
    pandas = frame.toPandas()
    assert len(pandas) == 100_000 and int(pandas["id"].sum()) == sum(range(100_000)) and pandas["s"][99_999] == "99999"
    again = spark.createDataFrame(pandas)
    assert again.count() == 100_000 and again.schema.simpleString() == frame.schema.simpleString()


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_results(spark, codec):
    spark.conf.set("spark.sql.execution.arrow.compression.codec", codec)
    try:
        assert spark.range(20_000).select(F.lit("the same again").alias("s")).toPandas()["s"].nunique() == 1
    finally:
        spark.conf.unset("spark.sql.execution.arrow.compression.codec")


def test_large_frames_go_up_in_blocks(spark):
    rows = [(index, "x" * 100) for index in range(30_000)]
    frame = spark.createDataFrame(rows, "id int, s string")
    assert frame.count() == 30_000
    assert [tuple(row) for row in frame.orderBy("id").limit(2).collect()] == rows[:2]


def test_expressions(spark):
    frame = spark.createDataFrame([(1, "a"), (2, "b"), (3, None)], "id int, s string")
    result = (
        frame.filter(F.col("id") > 1).withColumn("twice", F.col("id") * 2).withColumnRenamed("s", "text")
        .select("twice", F.coalesce("text", F.lit("none")).alias("text"), F.when(F.col("id") == 2, "two").otherwise("more").alias("word"))
    )
    assert [tuple(row) for row in result.collect()] == [(4, "b", "two"), (6, "none", "more")]
    assert frame.selectExpr("id + 1 AS next", "upper(s)").columns == ["next", "upper(s)"]
    assert frame.drop("s").columns == ["id"] and frame.toDF("x", "y").columns == ["x", "y"]


def test_groups_joins_and_order(spark):
    left = spark.range(10).withColumn("k", F.col("id") % 3)
    counts = left.groupBy("k").agg(F.count("*").alias("n"), F.sum("id").alias("total")).orderBy("k")
    assert [tuple(row) for row in counts.collect()] == [(0, 4, 18), (1, 3, 12), (2, 3, 15)]
    names = spark.createDataFrame([(0, "zero"), (1, "one")], "k bigint, name string")
    joined = left.join(names, "k", "left").where("id < 3").orderBy(F.col("id").desc())
    assert [(row.id, row.name) for row in joined.collect()] == [(2, None), (1, "one"), (0, "zero")]
    one, other = spark.range(3).alias("a"), spark.range(2, 5).alias("b")
    assert [tuple(row) for row in one.join(other, F.col("a.id") == F.col("b.id")).select(one.id, other.id).collect()] == [(2, 2)]


def test_show_and_print_schema(spark, capsys):
    frame = spark.createDataFrame([(1, "a"), (None, "b")], "id int, s string")
    frame.show()
    assert capsys.readouterr().out == "+----+---+\n|  id|  s|\n+----+---+\n|   1|  a|\n|NULL|  b|\n+----+---+\n\n"
    frame.printSchema()
    assert capsys.readouterr().out == "root\n |-- id: integer (nullable = true)\n |-- s: string (nullable = true)\n\n"
    frame.explain()
    assert "Physical Plan" in capsys.readouterr().out


def test_views_and_sql(spark):
    spark.range(5).createOrReplaceTempView("five")
    assert [row.id for row in spark.sql("SELECT id FROM five WHERE id >= :low ORDER BY id DESC", args={"low": 3}).collect()] == [4, 3]
    assert spark.sql("SELECT ? + 1 AS n", args=[41]).first().n == 42
    frame = spark.createDataFrame([(1,)], "x int")
    assert spark.sql("SELECT x FROM {frame}", frame=frame).first().x == 1
    assert spark.table("five").count() == 5
    assert "five" in [table.name for table in spark.catalog.listTables()] and spark.catalog.tableExists("five")
    assert [column.dataType for column in spark.catalog.listColumns("five")] == ["bigint"]
    with pytest.raises(AnalysisException) as error:
        spark.range(1).createTempView("five")
    assert error.value.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    assert spark.catalog.dropTempView("five") and not spark.catalog.dropTempView("five")


def test_configuration(spark):
    spark.conf.set("my.own.key", "1")
    assert spark.conf.get("my.own.key") == "1" and spark.conf.get("absent", "fallback") == "fallback"
    spark.conf.unset("my.own.key")
    with pytest.raises(SparkNoSuchElementException):
        spark.conf.get("my.own.key")
    assert not spark.conf.isModifiable("spark.jars.packages")
    with pytest.raises(AnalysisException) as error:
        spark.conf.set("spark.sql.warehouse.dir", "/elsewhere")
    assert error.value.getCondition() == "CANNOT_MODIFY_STATIC_CONFIG"


def test_errors_are_those_of_spark(spark):
    with pytest.raises(AnalysisException) as error:
        spark.range(1).select("absent").collect()
    assert error.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION" and error.value.getSqlState() == "42703"
    with pytest.raises(AnalysisException) as error:
        spark.table("no_such_table").collect()
    assert error.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


def test_a_script_that_ends_without_stopping_its_session_ends(address, tmp_path):
    """PySpark sends a command of its own as the interpreter goes; its answer must leave nothing under way."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pyspark.sql import SparkSession\n"
        "print(SparkSession.builder.remote(sys.argv[1]).getOrCreate().range(3).count())\n"
    )
    for _ in range(5):
        done = subprocess.run([sys.executable, script, address], capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "3", done.stderr


def test_sessions_are_apart(spark, address):
    other = spark.newSession() if hasattr(spark, "newSession") else SparkSession.builder.remote(address).create()
    spark.range(1).createOrReplaceTempView("mine")
    assert not other.catalog.tableExists("mine")
    spark.catalog.dropTempView("mine")


def test_plans_are_compared_and_kept(spark):
    frame = spark.range(10).filter("id > 3")
    assert frame.sameSemantics(spark.range(10).filter("id > 3")) and not frame.sameSemantics(spark.range(10))
    assert str(frame.cache().storageLevel) != str(frame.unpersist().storageLevel)
    assert frame.localCheckpoint().count() == 6


def test_a_streaming_query_to_memory(spark):
    frame = spark.readStream.format("rate").option("rowsPerSecond", 100).load()
    assert frame.isStreaming and frame.columns == ["timestamp", "value"]
    query = frame.selectExpr("value", "value % 2 AS parity").writeStream.format("memory").queryName("rates").start()
    try:
        assert query.isActive and query.id in [one.id for one in spark.streams.active]
        wait_until("rows in the memory table", lambda: spark.table("rates").count() > 0)
        wait_until("a report", lambda: query.lastProgress is not None and query.lastProgress["numInputRows"] > 0)
        assert query.status["isTriggerActive"] in (True, False) and query.exception() is None
        assert query.awaitTermination(0.1) is False
    finally:
        query.stop()
    assert not query.isActive and query.status["message"] == "Stopped"
    assert {row.parity for row in spark.sql("SELECT DISTINCT parity FROM rates").collect()} <= {0, 1}


def test_a_listener_hears_of_a_query(spark):
    from pyspark.sql.streaming import StreamingQueryListener

    heard = []

    class Listener(StreamingQueryListener):
        def onQueryStarted(self, event):
            heard.append(("started", str(event.id)))

        def onQueryProgress(self, event):
            heard.append(("progress", str(event.progress.id)))

        def onQueryIdle(self, event):
            pass

        def onQueryTerminated(self, event):
            heard.append(("terminated", str(event.id)))

    listener = Listener()
    spark.streams.addListener(listener)
    try:
        query = spark.readStream.format("rate").option("rowsPerSecond", 100).load().writeStream.format("noop").start()
        wait_until("progress", lambda: ("progress", str(query.id)) in heard)
        query.stop()
        wait_until("the end", lambda: ("terminated", str(query.id)) in heard)
        assert heard[0] == ("started", str(query.id))
    finally:
        spark.streams.removeListener(listener)
