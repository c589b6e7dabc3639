"""Python functions that a client sends: foreachBatch and foreach, in the engine's Python worker."""

import pathlib
import sys

import pytest

from leat import Leat, free_ports, wait_until

pyspark = pytest.importorskip("pyspark")
from pyspark.errors import StreamingQueryException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings = {"engine.python": sys.executable, "engine.python.timeout": "20s"}
    with Leat(tmp_path_factory.mktemp("engine"), "engine", ports=free_ports(["engine"]), settings=settings) as leat:
        leat.wait_for_ports("engine")
        yield leat
        leat.stop()


@pytest.fixture(scope="module")
def spark(engine):
    session = SparkSession.builder.remote(f"sc://{engine.address('engine')}").getOrCreate()
    yield session
    session.stop()


def rate(spark):
    return spark.readStream.format("rate").option("rowsPerSecond", 200).load()


def numbers(path):
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_foreach_batch_sees_each_batch_as_a_frame(spark, tmp_path):
    seen, batches = tmp_path / "values", tmp_path / "batches"

    def write(frame, batch):
        values = [row.value for row in frame.filter("value >= 0").collect()]
        with open(seen, "a") as file:
            file.writelines(f"{value}\n" for value in values)
        with open(batches, "a") as file:
            file.write(f"{batch}\n")

    query = rate(spark).writeStream.foreachBatch(write).start()
    try:
        wait_until("several batches", lambda: len(numbers(batches)) > 3)
        assert query.isActive
    finally:
        query.stop()
    assert numbers(batches) == list(range(len(numbers(batches))))
    values = numbers(seen)
    assert values == list(range(len(values))) and values
    assert query.lastProgress["sink"]["description"] == "ForeachBatchSink"


def test_foreach_sees_each_row(spark, tmp_path):
    seen = tmp_path / "values"

    class Writer:
        def open(self, partition, epoch):
            self.file = open(seen, "a")
            return True

        def process(self, row):
            self.file.write(f"{row.value}\n")

        def close(self, error):
            self.file.close()

    query = rate(spark).writeStream.foreach(Writer()).start()
    try:
        wait_until("rows", lambda: len(numbers(seen)) > 50)
    finally:
        query.stop()
    assert numbers(seen) == list(range(len(numbers(seen))))


def test_a_function_that_raises_ends_the_query_with_its_words(spark):
    def fail(frame, batch):
        raise ValueError("the mill stands still")

    query = rate(spark).writeStream.foreachBatch(fail).start()
    with pytest.raises(StreamingQueryException, match="the mill stands still"):
        query.awaitTermination(30)
    assert "FOREACH_BATCH_USER_FUNCTION_ERROR" in str(query.exception())


def test_a_worker_that_dies_is_started_anew_and_the_batch_given_again(spark, tmp_path):
    marker, seen = tmp_path / "died", tmp_path / "batches"

    def die_once(frame, batch):
        import os

        if not marker.exists():
            marker.touch()
            os._exit(7)
        with open(seen, "a") as file:
            file.write(f"{batch}\n")

    query = rate(spark).writeStream.foreachBatch(die_once).start()
    try:
        wait_until("batches after the death", lambda: len(numbers(seen)) > 1)
    finally:
        query.stop()
    assert numbers(seen)[0] == 0 and pathlib.Path(marker).exists()


def test_without_an_interpreter_the_error_names_both_settings(tmp_path):
    with Leat(tmp_path, "engine", ports=free_ports(["engine"])) as leat:
        leat.wait_for_ports("engine")
        session = SparkSession.builder.remote(f"sc://{leat.address('engine')}").create()
        query = rate(session).writeStream.foreachBatch(lambda frame, batch: None).start()
        with pytest.raises(StreamingQueryException, match="(?s)spark.pyspark.python.*engine.python|interpreter is named"):
            query.awaitTermination(30)
        session.stop()
        leat.stop()
