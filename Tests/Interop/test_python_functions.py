"""Python functions in plans: each case gives what it gives on Spark, and what goes wrong in a function is told as Spark tells it."""

import json
import os
import sys
import threading
import time
import types

import pytest

from leat import Leat, free_ports, wait_until

pyspark = pytest.importorskip("pyspark")
pd = pytest.importorskip("pandas")
from pyspark.errors import AnalysisException, PythonException, StreamingQueryException  # noqa: E402
from pyspark.errors.exceptions.connect import SparkConnectException, SparkConnectGrpcException, SparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from python_function_cases import CASES, GOLD, outcome, people  # noqa: E402


def engine_with(folder, **settings):
    return Leat(folder, "engine", ports=free_ports(["engine"]), settings={"engine.python": sys.executable, "log.level": "info", **settings})


def connected(leat):
    return SparkSession.builder.remote(f"sc://{leat.address('engine')}").create()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with engine_with(tmp_path_factory.mktemp("engine"), **{"engine.python.timeout": "60s"}) as leat:
        leat.wait_for_ports("engine")
        yield leat
        leat.stop()


@pytest.fixture(scope="module")
def spark(engine):
    session = connected(engine)
    yield session
    session.stop()


gold = json.loads(GOLD.read_text())


@pytest.mark.parametrize("name", CASES)
def test_gives_what_it_gives_on_spark(spark, name):
    assert outcome(CASES[name], spark) == gold[name]


# MARK: Errors


@pytest.mark.parametrize("arrow", [True, False])
def test_an_exception_is_told_with_its_traceback(spark, arrow):
    def divide(x):
        return 1 // (x - 2)

    frame = spark.range(5).select(F.udf(divide, "int", useArrow=arrow)("id"))
    with pytest.raises(PythonException) as raised:
        frame.collect()
    text = str(raised.value)
    assert "[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):" in text
    assert "in divide" in text and "ZeroDivisionError" in text and "SQLSTATE: 38000" in text
    # What PySpark and the engine do round the function is no part of it.
    assert "worker.py" not in text and "<string>" not in text
    assert spark.range(1).select(F.udf(lambda x: x + 1, "int")("id").alias("v")).collect()[0].v == 1


def refused(make, condition):
    with pytest.raises(AnalysisException) as raised:
        make().collect()
    assert raised.value.getCondition() == condition


def test_what_has_no_place_is_refused_as_on_spark(spark):
    same = F.udf(lambda x: x, "long")
    both = F.udf(lambda a, b: a == b, "boolean")

    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return s.mean()

    left, right = spark.range(3).alias("a"), spark.range(3).alias("b")
    refused(lambda: spark.range(1).select(F.transform(F.array("id"), lambda x: same(x))), "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF")
    refused(lambda: spark.range(3).groupBy("id").agg(mean("id"), F.sum("id")), "INVALID_PANDAS_UDF_PLACEMENT")
    refused(lambda: left.join(right, both("a.id", "b.id"), "left"), "UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE")
    spark.udf.register("same", lambda x: x, "int")
    refused(lambda: spark.sql("values (same(1))"), "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE")
    refused(lambda: spark.sql("select same(distinct 1)"), "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")


def test_functions_over_cogroups_are_refused_by_name(spark):
    frame = spark.range(3)
    with pytest.raises(SparkConnectException, match="(?i)co_?group"):
        frame.groupBy("id").cogroup(frame.groupBy("id")).applyInPandas(lambda a, b: a, "id long").collect()


def test_another_version_of_python_is_refused_as_on_spark(spark, monkeypatch):
    import pyspark.sql.connect.udf as client

    monkeypatch.setattr(client, "sys", types.SimpleNamespace(version_info=(3, 7, 0)))
    with pytest.raises(PythonException, match="PYTHON_VERSION_MISMATCH"):
        spark.range(1).select(F.udf(lambda x: x, "int")("id")).collect()


def test_without_an_interpreter_the_error_names_both_settings(tmp_path):
    with Leat(tmp_path, "engine", ports=free_ports(["engine"])) as leat:
        leat.wait_for_ports("engine")
        session = connected(leat)
        frame = session.range(2).select(F.udf(lambda x: x + 1, "int")("id").alias("v"))
        with pytest.raises(SparkConnectGrpcException, match="PYTHON_INTERPRETER_UNKNOWN"):
            frame.collect()
        session.conf.set("spark.pyspark.python", sys.executable)
        assert [row.v for row in frame.collect()] == [1, 2]
        session.stop()
        leat.stop()


def test_functions_are_run_for_this_machine_alone(tmp_path):
    with engine_with(tmp_path, **{"engine.host": "0.0.0.0"}) as leat:
        leat.wait_for_ports("engine")
        session = connected(leat)
        with pytest.raises(SparkConnectGrpcException, match="PYTHON_FUNCTIONS_REFUSED"):
            session.range(2).select(F.udf(lambda x: x + 1, "int")("id")).collect()
        session.stop()
        leat.stop()


# MARK: Processes


def die_once(marker):
    def die(x):
        if not os.path.exists(marker):
            open(marker, "w").close()
            os._exit(7)
        return x + 1

    return die


def test_a_process_that_dies_is_started_anew_and_the_rows_given_again(spark, tmp_path):
    frame = spark.range(30_000).select(F.udf(die_once(str(tmp_path / "died")), "long")("id").alias("v"))
    assert frame.agg(F.sum("v")).collect()[0][0] == sum(range(1, 30_001))
    assert (tmp_path / "died").exists()


def test_a_process_that_dies_amid_batches_is_given_them_again(spark, tmp_path):
    marker = str(tmp_path / "died")

    def plus(frames):
        for number, frame in enumerate(frames):
            half = len(frame) // 2
            yield frame[:half] + 1
            if number == 2 and not os.path.exists(marker):
                open(marker, "w").close()
                os._exit(7)
            yield frame[half:] + 1

    assert sorted(row.id for row in spark.range(45_000).mapInPandas(plus, "id long").collect()) == list(range(1, 45_001))


def test_a_process_that_always_dies_ends_the_query(spark):
    with pytest.raises(SparkException, match="(?s)Python worker exited unexpectedly.*exited with 3"):
        spark.range(1).select(F.udf(lambda x: os._exit(3), "int")("id")).collect()


def test_a_function_that_hangs_is_ended(tmp_path):
    with engine_with(tmp_path, **{"engine.python.timeout": "2s", "engine.python.retries": 0}) as leat:
        leat.wait_for_ports("engine")
        session = connected(leat)
        with pytest.raises(SparkException, match=r"no answer within 2s \(engine.python.timeout\)"):
            session.range(1).select(F.udf(lambda x: time.sleep(600), "int")("id")).collect()
        assert session.range(1).select(F.udf(lambda x: x, "int")("id")).collect()[0][0] == 0
        session.stop()
        leat.stop()


def test_an_interrupted_query_does_not_wait_for_its_function(spark, tmp_path):
    marker = tmp_path / "running"

    def sleep(x):
        marker.touch()
        time.sleep(600)

    ended = []

    def run():
        try:
            spark.range(1).select(F.udf(sleep, "int")("id")).collect()
        except SparkConnectException as error:
            ended.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("the function to run", marker.exists)
    spark.interruptAll()
    thread.join(20)
    assert ended and "OPERATION_CANCELED" in ended[0]


def test_what_a_function_prints_is_in_the_log(engine, spark):
    def say(x):
        print("the mill says", x)
        return x

    spark.range(1).select(F.udf(say, "int")("id")).collect()
    wait_until("the line in the log", lambda: "the mill says 0" in engine.stderr() + "".join(engine.lines))


# MARK: Streams


def test_functions_in_a_streaming_query(spark):
    plus = F.udf(lambda x: x + 1000, "long")
    odd = F.udf(lambda x: x % 2 == 1, "boolean")

    @F.pandas_udf("string")
    def text(s: pd.Series) -> pd.Series:
        return "v" + s.astype(str)

    spark.udf.register("plus_one", lambda x: x + 1, "long")
    rows = spark.readStream.format("rate").option("rowsPerSecond", 300).load()
    frame = rows.filter(odd("value")).select("value", plus("value").alias("p"), text("value").alias("t")).selectExpr("*", "plus_one(p) as q")
    query = frame.writeStream.format("memory").queryName("functions").start()
    try:
        wait_until("rows", lambda: spark.table("functions").count() > 100)
    finally:
        query.stop()
    values = spark.table("functions").orderBy("value").collect()
    assert [row.value for row in values] == list(range(1, 2 * len(values), 2))
    assert all((row.p, row.t, row.q) == (row.value + 1000, f"v{row.value}", row.value + 1001) for row in values)


def test_a_function_that_raises_ends_its_streaming_query(spark):
    query = (
        spark.readStream.format("rate").load().select(F.udf(lambda x: 1 // 0, "int")("value")).writeStream.format("noop").start())
    with pytest.raises(StreamingQueryException, match="ZeroDivisionError"):
        query.awaitTermination(30)
    assert "PYTHON_EXCEPTION" in str(query.exception())


def test_a_process_that_dies_in_a_streaming_query_is_started_anew(spark, tmp_path):
    frame = spark.readStream.format("rate").option("rowsPerSecond", 100).load().select(
        F.udf(die_once(str(tmp_path / "died")), "long")("value").alias("v"))
    query = frame.writeStream.format("memory").queryName("deaths").start()
    try:
        wait_until("rows", lambda: spark.table("deaths").count() > 20)
    finally:
        query.stop()
    assert sorted(row.v for row in spark.table("deaths").collect())[:20] == list(range(1, 21)) and (tmp_path / "died").exists()


def test_functions_inside_foreach_batch(spark, tmp_path):
    seen = tmp_path / "seen"

    def write(frame, batch):
        from pyspark.sql import functions

        def double(frames):
            for one in frames:
                yield one * 2

        twice = functions.udf(lambda x: 2 * x, "long")
        rows = frame.select(twice("value").alias("v")).mapInPandas(double, "v long").collect()
        with open(seen, "a") as file:
            file.writelines(f"{row.v}\n" for row in rows)

    query = spark.readStream.format("rate").option("rowsPerSecond", 200).load().writeStream.foreachBatch(write).start()
    try:
        wait_until("values", lambda: seen.exists() and len(seen.read_text().split()) > 50)
    finally:
        query.stop()
    values = [int(line) for line in seen.read_text().split()]
    assert values == list(range(0, 4 * len(values), 4))


def test_map_in_pandas_on_a_stream(spark):
    frame = spark.readStream.format("rate").option("rowsPerSecond", 20).load()
    query = frame.mapInPandas(lambda frames: frames, "timestamp timestamp, value long").writeStream.format("memory").queryName("mapped").start()
    try:
        wait_until("rows", lambda: spark.table("mapped").count() > 0)
    finally:
        query.stop()


def test_explain_names_the_operator(spark, capsys):
    people(spark).select(F.udf(lambda x: x, "int")("id")).explain()
    assert "ArrowEvalPython" in capsys.readouterr().out
