#!/usr/bin/env python3
"""`leat bench engine` beside Spark (the pyspark package's own server, local[2], as shipped) and Sail: starts both, runs it, stops them.

Arguments are handed on: `scripts/bench-peers.py --only json --only from_json`. Sail is taken from PATH or from the interpreter's environment
(`pip install pysail==0.7.2`), and left out with a word where it is not there.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pyspark

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPARK = pathlib.Path(pyspark.__file__).parent


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, process, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"nothing listens on {port} after {seconds} s")


def main():
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        log = open(pathlib.Path(folder) / "peers.log", "w")

        def launch(command, port):
            process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "SPARK_HOME": str(SPARK), "SPARK_LOCAL_DIRS": folder})
            processes.append(process)
            wait_for(port, process)

        try:
            remotes = []
            port = free_port()
            launch(
                [SPARK / "bin/spark-submit", "--master", "local[2]", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
                 "--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.ui.enabled=false", "spark-internal"], port)
            remotes.append(f"--remote=spark=sc://127.0.0.1:{port}")
            sail = shutil.which("sail", path=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
            if sail:
                port = free_port()
                launch([sail, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)], port)
                remotes.append(f"--remote=sail=sc://127.0.0.1:{port}")
            else:
                print("Sail is not installed and left out: pip install pysail==0.7.2", file=sys.stderr)
            return subprocess.run([ROOT / ".build/release/leat", "bench", "engine", *remotes, *sys.argv[1:]]).returncode
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
