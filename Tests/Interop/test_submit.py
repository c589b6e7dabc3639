"""`leat submit`: scripts written for spark-submit, as they stand."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from leat import BINARY, ROOT, run, wait_until

pytest.importorskip("pyspark")


def submit(stack, *arguments, **options):
    remote = f"sc://{stack.address('engine')}"
    return run("submit", "--python", sys.executable, "--remote", remote, *arguments, **options)


def script(folder, text):
    path = folder / "script.py"
    path.write_text(text)
    return path


def test_what_pyspark_refuses_on_connect_is_let_pass_and_said_once(stack, tmp_path):
    path = script(
        tmp_path,
        """
import sys
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[*]").appName("its own name")
         .config("spark.jars.packages", "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.1").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
spark.sparkContext.setLogLevel("WARN")
assert spark.sparkContext.broadcast(3).value == 3
assert spark.conf.get("my.key") == "my value"
print(sys.argv[1:], spark.range(3).count())
sys.exit(7)
""",
    )
    done = submit(
        stack, "--packages", "a:b:1", "--driver-memory", "2g", "--conf", "my.key=my value", path, "--its.own", "flag", "last")
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip().endswith("['--its.own', 'flag', 'last'] 3")
    assert done.stderr.count("setLogLevel") == 1 and done.stderr.count(".master('local[*]')") == 1
    assert "--packages, --driver-memory have no effect" in done.stderr and "PySpark 4" in done.stderr


def test_a_missing_interpreter_script_or_pyspark_is_named(tmp_path):
    missing = run("submit", "--python", "/nowhere/python", script(tmp_path, "pass"))
    assert missing.returncode == 1 and "/nowhere/python" in missing.stderr and "pip install" in missing.stderr
    assert "not there" in run("submit", tmp_path / "absent.py").stderr
    bare = run("submit", "--python", "/usr/bin/python3", script(tmp_path, "pass"))
    if bare.returncode:
        assert "pip install" in bare.stderr


def test_the_pipelines_script_fills_the_table(stack, cassandra, tmp_path):
    """The repository's pyspark_stream.py, unmodified."""
    environment = {
        **os.environ, "KAFKA_BOOTSTRAP_SERVERS": stack.address("broker"), "CASSANDRA_PORT": str(stack.ports["store"]),
        "CASSANDRA_HOST": "127.0.0.1", "CHECKPOINT_LOCATION": str(tmp_path / "checkpoint"),
    }
    before = cassandra.execute("SELECT count(*) FROM spark_streams.created_users").one()[0]
    assert before >= 60
    cassandra.execute("TRUNCATE spark_streams.created_users")
    log = tmp_path / "log.txt"
    with open(log, "w") as output:
        process = subprocess.Popen(
            [BINARY, "submit", "--python", sys.executable, "--remote", f"sc://{stack.address('engine')}", ROOT / "pyspark_stream.py"],
            env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path)
    try:
        def rows():
            assert process.poll() is None, pathlib.Path(log).read_text()[-2000:]
            return cassandra.execute("SELECT count(*) FROM spark_streams.created_users").one()[0] >= 60

        wait_until("rows in the table", rows, 60)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
