"""The pipeline's queries on a real Spark: the server that the pyspark package brings, alone and as a cluster of one worker."""

import os
import pathlib
import subprocess

import pytest

from leat import BINARY, ROOT, answers, free_ports, run, wait_until

pyspark = pytest.importorskip("pyspark")

HOME = pathlib.Path(pyspark.__file__).parent


class Spark:
    """Spark's processes, in a folder of their own; stopped by their process ids."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.environment = {
            **os.environ, "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder),
            "SPARK_WORKER_DIR": str(folder / "work"), "SPARK_NO_DAEMONIZE": "1",
        }

    def launch(self, name, port, *arguments):
        log = open(self.folder / f"{name}.log", "w")
        self.processes.append(
            subprocess.Popen(
                [HOME / "bin" / arguments[0], *arguments[1:]], env=self.environment, cwd=self.folder, stdout=log, stderr=log))

        def is_there():
            assert self.processes[-1].poll() is None, (self.folder / f"{name}.log").read_text()[-2000:]
            return answers(port)

        wait_until(f"{name} listens", is_there, 90)

    def connect(self, master):
        port = free_ports(["connect"])["connect"]
        self.launch(
            "connect", port, "spark-submit", "--master", master, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
            "--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.ui.enabled=false",
            "--conf", f"spark.sql.warehouse.dir={self.folder}/warehouse", "spark-internal")
        return f"sc://127.0.0.1:{port}"

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module", params=["local", "cluster"])
def remote(request, tmp_path_factory):
    if request.param == "cluster" and not os.environ.get("LEAT_TEST_SPARK_CLUSTER"):
        pytest.skip("three JVMs take a minute: LEAT_TEST_SPARK_CLUSTER=1 runs it on a master and a worker too")
    spark = Spark(tmp_path_factory.mktemp(request.param))
    try:
        if request.param == "local":
            yield spark.connect("local[2]")
        else:
            ports = free_ports(["master", "web", "worker", "worker-web"])
            spark.launch(
                "master", ports["master"], "spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1",
                "--port", str(ports["master"]), "--webui-port", str(ports["web"]))
            address = f"spark://127.0.0.1:{ports['master']}"
            spark.launch(
                "worker", ports["worker"], "spark-class", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
                "--port", str(ports["worker"]), "--webui-port", str(ports["worker-web"]), "--cores", "1", "--memory", "1g", address)
            yield spark.connect(address)
    finally:
        spark.stop()


def test_a_query_of_this_process_runs_there(remote):
    bundle = ROOT / ".build/release/leatPackageTests.xctest"
    done = subprocess.run(
        [bundle, "--testing-library", "swift-testing", "--filter", "RemoteSparkTests"], env={**os.environ, "SPARK_REMOTE": remote},
        capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert "3 tests" in done.stdout + done.stderr


def test_a_pipeline_says_which_connector_the_server_lacks(remote, stack, tmp_path):
    done = run(
        "run", "users", "--data", tmp_path, "--engine.use", remote, "--broker.use", stack.address("broker"), "--store.use",
        stack.address("store"), "--scheduler.port", "0", "--for", "5s", timeout=120)
    assert done.returncode != 0
    assert "spark-sql-kafka-0-10_2.13" in done.stderr and "--packages" in done.stderr
