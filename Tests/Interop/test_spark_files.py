"""Files as sources and sinks of the engine, through PySpark; Parquet against pyarrow, both ways."""

import datetime
import decimal
import gzip
import json
import os
import pathlib

import pytest

from leat import Leat, free_ports

pyspark = pytest.importorskip("pyspark")
pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402
from pyspark.errors import AnalysisException, PySparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    leat = Leat(tmp_path_factory.mktemp("engine"), "engine", ports=free_ports(["engine"]))
    with leat:
        leat.wait_for_ports("engine")
        session = SparkSession.builder.remote(f"sc://{leat.address('engine')}").appName("files").getOrCreate()
        yield session
        session.stop()
        leat.stop()


DDL = """b boolean, t tinyint, sh smallint, i int, l bigint, f float, d double, dec decimal(10, 2), small decimal(5, 1), wide decimal(38, 10),
    s string, bin binary, da date, ts timestamp, tn timestamp_ntz, a array<int>, m map<string, int>, st struct<x: int, y: string>,
    deep array<struct<k: string, v: map<string, array<int>>>>"""
ROW = (
    True, -128, 32767, -(2**31), 2**63 - 1, 1.5, -2.25, decimal.Decimal("-12345678.90"), decimal.Decimal("-1.5"),
    decimal.Decimal("1234567890123456789012345678.0123456789"), "grüße \U0001f30a", b"\x00\xff", datetime.date(1969, 12, 31),
    datetime.datetime(2024, 2, 29, 23, 59, 59, 999999), datetime.datetime(1950, 1, 1, 0, 0, 0, 1), [1, None, 3], {"a": 1, "b": None},
    (7, None), [("k", {"x": [1, 2], "y": []})],
)
EMPTY = tuple([None] * 15) + ([], {}, (None, None), [])


def frame(spark):
    return spark.createDataFrame([ROW, tuple([None] * len(ROW)), EMPTY, ROW], DDL)


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


# Parquet


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "none", "lz4_raw"])
def test_parquet_of_every_type_is_what_pyarrow_reads(spark, tmp_path, codec):
    frame(spark).write.option("compression", codec).parquet(str(tmp_path / "out"))
    written = names(tmp_path / "out")
    assert written[0] == "_SUCCESS" and len(written) == 2, written
    infix = {"none": "", "gzip": ".gz", "lz4_raw": ".lz4raw"}.get(codec, f".{codec}")
    assert written[1].startswith("part-00000-") and written[1].endswith(f"-c000{infix}.parquet")
    table = pq.read_table(tmp_path / "out" / written[1])
    rows = table.to_pylist()
    assert len(rows) == 4 and rows[0] == rows[3]
    assert all(value is None for value in rows[1].values())
    first = rows[0]
    assert first["i"] == -(2**31) and first["l"] == 2**63 - 1 and first["wide"] == ROW[9] and first["small"] == ROW[8]
    assert first["s"] == ROW[10] and first["bin"] == ROW[11] and first["da"] == ROW[12]
    assert first["ts"] == ROW[13].replace(tzinfo=datetime.timezone.utc) and first["tn"] == ROW[14]
    assert first["a"] == [1, None, 3] and dict(first["m"]) == {"a": 1, "b": None} and first["st"] == {"x": 7, "y": None}
    assert first["deep"] == [{"k": "k", "v": [("x", [1, 2]), ("y", [])]}]
    assert rows[2]["a"] == [] and rows[2]["m"] == [] and rows[2]["st"] == {"x": None, "y": None} and rows[2]["deep"] == []
    statistics = pq.ParquetFile(tmp_path / "out" / written[1]).metadata.row_group(0).column(3).statistics
    assert (statistics.min, statistics.max, statistics.null_count) == (-(2**31), -(2**31), 2)
    again = spark.read.parquet(str(tmp_path / "out"))
    assert again.schema == frame(spark).schema
    assert again.collect() == frame(spark).collect()


def arrow_table(rows):
    integers = [None if n % 7 == 3 else n * 1_000_003 for n in range(rows)]
    return pa.table({
        "flag": pa.array([None if n % 5 == 1 else n % 3 == 0 for n in range(rows)]),
        "i8": pa.array([n % 100 for n in range(rows)], pa.int8()), "i16": pa.array([n % 1000 for n in range(rows)], pa.int16()),
        "i32": pa.array([n for n in range(rows)], pa.int32()), "i64": pa.array(integers, pa.int64()),
        "u32": pa.array([4_000_000_000 + n for n in range(rows)], pa.uint32()), "u64": pa.array([2**63 + n for n in range(rows)], pa.uint64()),
        "f": pa.array([n / 3 for n in range(rows)], pa.float32()), "d": pa.array([n / 7 for n in range(rows)]),
        "text": pa.array([None if n % 11 == 5 else f"text {n % 50}" for n in range(rows)]),
        "unique": pa.array([f"{n:08d}" * (n % 4) for n in range(rows)]),
        "dec": pa.array([decimal.Decimal(n) / 100 for n in range(rows)], pa.decimal128(20, 2)),
        "date": pa.array([datetime.date(2000, 1, 1) + datetime.timedelta(days=n % 9999) for n in range(rows)]),
        "ms": pa.array([datetime.datetime(2020, 1, 1) + datetime.timedelta(milliseconds=n) for n in range(rows)], pa.timestamp("ms", "UTC")),
        "us": pa.array([datetime.datetime(2020, 1, 1) + datetime.timedelta(microseconds=n) for n in range(rows)], pa.timestamp("us")),
        "list": pa.array([None if n % 6 == 2 else list(range(n % 4)) for n in range(rows)], pa.list_(pa.int32())),
        "map": pa.array([[(f"k{k}", k) for k in range(n % 3)] for n in range(rows)], pa.map_(pa.string(), pa.int64())),
        "struct": pa.array([None if n % 8 == 1 else {"a": n, "b": {"c": [str(n)]}} for n in range(rows)],
                           pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.list_(pa.string()))]))])),
        "nothing": pa.nulls(rows),
    })


VARIANTS = {
    "plain": dict(use_dictionary=False, compression="none"), "dictionary": dict(compression="snappy"),
    "v2": dict(data_page_version="2.0", compression="zstd"), "v2 plain": dict(data_page_version="2.0", use_dictionary=False, compression="gzip"),
    "groups": dict(row_group_size=997, data_page_size=512), "lz4": dict(compression="lz4"), "int96": dict(use_deprecated_int96_timestamps=True),
    "delta": dict(use_dictionary=False, column_encoding={
        "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "text": "DELTA_LENGTH_BYTE_ARRAY", "unique": "DELTA_BYTE_ARRAY",
        "f": "BYTE_STREAM_SPLIT", "d": "BYTE_STREAM_SPLIT", "flag": "RLE"}),
    "no schema of arrow's": dict(store_schema=False, version="1.0"),
}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_parquet_that_pyarrow_wrote_is_read(spark, tmp_path, variant):
    rows = 5000
    table = arrow_table(rows)
    if variant == "no schema of arrow's":
        table = table.drop_columns(["u32"])
    pq.write_table(table, tmp_path / "a.parquet", **VARIANTS[variant])
    read = spark.read.parquet(str(tmp_path / "a.parquet"))
    got = read.toArrow()
    for name in table.column_names:
        wanted, found = table[name].to_pylist(), got[name].to_pylist()
        if name in ("ms", "us"):
            wanted = [value.replace(tzinfo=None) for value in wanted]
            found = [value.replace(tzinfo=None) for value in found]
        if name == "u64":
            found = [int(value) for value in found]
        assert found == wanted, name


def test_only_the_wanted_columns_are_read_and_filters_hold(spark, tmp_path):
    pq.write_table(arrow_table(3000), tmp_path / "a.parquet", row_group_size=700)
    read = spark.read.parquet(str(tmp_path / "a.parquet"))
    assert read.count() == 3000
    assert read.where("i32 >= 2990 and text is not null").select("i32").count() == 10 - sum(n % 11 == 5 for n in range(2990, 3000))
    assert read.selectExpr("sum(i32)").collect()[0][0] == sum(range(3000))


def test_a_file_that_is_no_parquet_is_an_error_that_names_it(spark, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"x" * 100 + b"PAR1")
    with pytest.raises(PySparkException, match="a.parquet"):
        spark.read.parquet(str(tmp_path / "a.parquet")).collect()


# Batch writes


def test_save_modes(spark, tmp_path):
    path = str(tmp_path / "out")
    spark.range(3).write.json(path)
    with pytest.raises(AnalysisException, match="PATH_ALREADY_EXISTS"):
        spark.range(3).write.json(path)
    spark.range(3).write.mode("ignore").json(path)
    assert spark.read.json(path).count() == 3
    spark.range(4).write.mode("append").json(path)
    assert spark.read.json(path).count() == 7
    # What is overwritten may be read for it.
    spark.read.json(path).where("id > 1").write.mode("overwrite").json(path)
    assert sorted(row.id for row in spark.read.json(path).collect()) == [2, 2, 3]
    assert len(names(path)) == 2


def test_partitions_are_folders_and_come_back_typed(spark, tmp_path):
    path = str(tmp_path / "out")
    rows = [(1, "a/b", 2024, 1.5), (2, None, 2024, 2.5), (3, "c d", 2025, 3.5), (4, "", 2025, 4.5)]
    written = spark.createDataFrame(rows, "id int, k string, year int, v double")
    for format in ["parquet", "json", "csv"]:
        written.write.mode("overwrite").partitionBy("year", "k").format(format).save(path)
        assert names(path) == ["_SUCCESS", "year=2024", "year=2025"]
        assert names(path + "/year=2024") == ["k=__HIVE_DEFAULT_PARTITION__", "k=a%2Fb"]
        read = spark.read.schema("id int, v double, year int, k string").format(format).load(path)
        assert read.columns == ["id", "v", "year", "k"]
        found = sorted(tuple(row) for row in read.collect())
        assert found == [(1, 1.5, 2024, "a/b"), (2, 2.5, 2024, None), (3, 3.5, 2025, "c d"), (4, 4.5, 2025, None)], format
        assert read.where("year = 2025").count() == 2
    one = spark.createDataFrame([(9, "z", 2025, 9.5)], "id int, k string, year int, v double")
    one.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("year", "k").csv(path)
    assert spark.read.schema("id int, v double").csv(path).count() == 5


def test_csv_and_text_as_written(spark, tmp_path):
    rows = [(1, 'say "hi", all', datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)), (2, "", None, None), (3, None, None, None)]
    frame = spark.createDataFrame(rows, "id int, s string, d date, t timestamp")
    frame.write.option("header", True).csv(str(tmp_path / "csv"))
    part = [name for name in names(tmp_path / "csv") if name.startswith("part-")][0]
    assert (tmp_path / "csv" / part).read_text() == (
        'id,s,d,t\n1,"say \\"hi\\", all",2024-01-02,2024-01-02T03:04:05.678Z\n2,"",,\n3,,,\n')
    read = spark.read.option("header", True).schema("id int, s string, d date, t timestamp").csv(str(tmp_path / "csv"))
    assert [tuple(row) for row in read.collect()][0] == rows[0]
    frame.select("s").where("id = 1").write.option("compression", "gzip").text(str(tmp_path / "text"))
    part = [name for name in names(tmp_path / "text") if name.startswith("part-")][0]
    assert part.endswith("-c000.txt.gz") and gzip.decompress((tmp_path / "text" / part).read_bytes()) == b'say "hi", all\n'
    assert [row.value for row in spark.read.text(str(tmp_path / "text")).collect()] == ['say "hi", all']
    with pytest.raises(AnalysisException, match="single column"):
        frame.write.text(str(tmp_path / "no"))
    with pytest.raises(AnalysisException, match="UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"):
        spark.sql("select array(1) a").write.csv(str(tmp_path / "no"))


def test_a_write_that_fails_leaves_nothing_to_see(spark, tmp_path):
    with pytest.raises(PySparkException):
        spark.range(100_000).selectExpr("id", "1 / (id - 99999) x").write.parquet(str(tmp_path / "out"))
    assert names(tmp_path / "out") == []


def test_more_partitions_than_open_files(spark, tmp_path):
    spark.range(1000).selectExpr("id", "id % 150 k").write.partitionBy("k").parquet(str(tmp_path / "out"))
    read = spark.read.parquet(str(tmp_path / "out"))
    assert read.count() == 1000 and read.selectExpr("sum(id)", "sum(k)").collect()[0] == (499500, sum(n % 150 for n in range(1000)))


# Batch reads


def test_bad_json_in_the_three_modes(spark, tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1, "b": "x"}\n{"a": "no"}\nnot json\n\n{"a": 3}\n')
    path = str(tmp_path / "a.json")
    read = spark.read.schema("a int, b string, _corrupt_record string").json(path)
    assert [tuple(row) for row in read.collect()] == [
        (1, "x", None), (None, None, '{"a": "no"}'), (None, None, "not json"), (3, None, None)]
    assert [row.a for row in spark.read.schema("a int").json(path).collect()] == [1, None, None, 3]
    assert [row.a for row in spark.read.schema("a int").option("mode", "DROPMALFORMED").json(path).collect()] == [1, 3]
    with pytest.raises(PySparkException, match="MALFORMED_RECORD_IN_PARSING"):
        spark.read.schema("a int").option("mode", "FAILFAST").json(path).collect()


def test_bad_csv_in_the_three_modes(spark, tmp_path):
    (tmp_path / "a.csv").write_text("1,x\nno,y\n3\n4,z\n")
    path = str(tmp_path / "a.csv")
    assert [tuple(row) for row in spark.read.schema("a int, b string").csv(path).collect()] == [(1, "x"), (None, "y"), (3, None), (4, "z")]
    assert [row.a for row in spark.read.schema("a int, b string").option("mode", "DROPMALFORMED").csv(path).collect()] == [1, 4]
    with pytest.raises(PySparkException):
        spark.read.schema("a int, b string").option("mode", "FAILFAST").csv(path).collect()


def test_moments_in_a_pattern(spark, tmp_path):
    (tmp_path / "a.csv").write_text("02/01/2024,02.01.2024 03:04\nno,\n")
    (tmp_path / "a.json").write_text('{"d": "02/01/2024", "t": "02.01.2024 03:04"}\n{"d": "no"}\n')
    for format in ["csv", "json"]:
        read = spark.read.schema("d date, t timestamp").options(dateFormat="dd/MM/yyyy", timestampFormat="dd.MM.yyyy HH:mm").format(format)
        rows = [tuple(row) for row in read.load(str(tmp_path / f"a.{format}")).collect()]
        assert rows == [(datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4)), (None, None)], format
        assert read.option("mode", "DROPMALFORMED").load(str(tmp_path / f"a.{format}")).count() == 1


def test_paths_globs_and_filters(spark, tmp_path):
    for name in ["a/1.json", "a/2.json", "b/3.json", "a/_4.json", "a/.5.json", "a/6.txt", "a/sub/7.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"n": int("".join(c for c in name if c.isdigit()))}) + "\n")

    def read(*paths, **options):
        return sorted(row.n for row in spark.read.schema("n int").options(**options).format("json").load([str(tmp_path / p) for p in paths]).collect())

    assert read("a") == [1, 2, 6]
    assert read("a", "b") == [1, 2, 3, 6]
    assert read("*") == [1, 2, 3, 6]
    assert read("{a,b}/[1-3].json") == [1, 2, 3]
    assert read("a", pathGlobFilter="*.json") == [1, 2]
    assert read("a", recursiveFileLookup="true") == [1, 2, 6, 7]
    assert [os.path.basename(row[0]) for row in spark.read.text(str(tmp_path / "b")).select(F.input_file_name()).collect()] == ["3.json"]
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        read("nowhere")


def test_csv_infers_its_types(spark, tmp_path):
    (tmp_path / "a.csv").write_text("i,d,s,t,b\n1,1.5,x,2024-01-01 10:00:00,true\n2,2,y,2024-01-02 10:00:00,false\n")
    read = spark.read.option("header", True).option("inferSchema", True).csv(str(tmp_path / "a.csv"))
    assert read.dtypes == [("i", "int"), ("d", "double"), ("s", "string"), ("t", "timestamp"), ("b", "boolean")]
    assert read.selectExpr("sum(i)", "sum(d)").collect()[0] == (3, 3.5)
    tabbed = spark.read.option("sep", "\t").csv(str(tmp_path / "a.csv"))
    assert tabbed.columns == ["_c0"] and tabbed.count() == 3


# Streams


@pytest.mark.parametrize("format", ["parquet", "json", "csv", "text"])
def test_a_stream_of_files_into_files(spark, tmp_path, format):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    schema = "value string" if format == "text" else "id bigint, value string"

    def put(first):
        rows = [(n, f"v{n}") for n in range(first, first + 10)]
        written = spark.createDataFrame(rows, "id bigint, value string")
        (written.select("value") if format == "text" else written).coalesce(1).write.mode("append").format(format).save(str(source))

    def run():
        stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).format(format).load(str(source))
        query = stream.writeStream.format(format).option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True).start(str(target))
        assert query.awaitTermination(30)
        assert query.exception() is None

    def values():
        return sorted(row.value for row in spark.read.schema(schema).format(format).load(str(target)).collect())

    put(0), put(10)
    run()
    assert values() == sorted(f"v{n}" for n in range(20))
    put(20)
    run(), run()
    assert values() == sorted(f"v{n}" for n in range(30))
    assert names(target / "_spark_metadata")[0] == ".leat.query"
    first = (target / "_spark_metadata" / "0").read_text().split("\n")
    assert first[0] == "v1" and json.loads(first[1])["action"] == "add"


def test_a_running_stream_finds_new_files(spark, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    stream = spark.readStream.schema("n int").json(str(source))
    query = stream.writeStream.format("memory").queryName("found_files").start()
    try:
        for n in range(3):
            (tmp_path / "x").write_text(json.dumps({"n": n}) + "\n")
            (tmp_path / "x").rename(source / f"{n}.json")
            deadline = datetime.datetime.now() + datetime.timedelta(seconds=20)
            while spark.table("found_files").count() <= n:
                assert datetime.datetime.now() < deadline
        assert sorted(row.n for row in spark.table("found_files").collect()) == [0, 1, 2]
    finally:
        query.stop()


def test_a_stream_of_files_wants_its_schema(spark, tmp_path):
    with pytest.raises(PySparkException, match="Schema must be specified"):
        spark.readStream.json(str(tmp_path)).printSchema()
