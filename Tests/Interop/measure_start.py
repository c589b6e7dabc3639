"""Measures a cold start from outside: every port answers, the first row is there; and the memory after many users.

    .build/venv/bin/python Tests/Interop/measure_start.py [--rounds 10] [--users 100000]
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "Support")]

from leat import Leat, answers  # noqa: E402


def first_row(port):
    """When the first row can be read, by a client that keeps asking."""
    from cassandra.cluster import Cluster

    cluster = Cluster(["127.0.0.1"], port=port)
    session = cluster.connect()
    try:
        while True:
            try:
                if session.execute("SELECT id FROM spark_streams.created_users LIMIT 1").one():
                    return time.monotonic()
            except Exception:
                pass
            time.sleep(0.005)
    finally:
        cluster.shutdown()


def peak_memory(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def cold_start():
    with tempfile.TemporaryDirectory(prefix="leat-start-") as folder:
        leat = Leat(folder, "up", "--json")
        begin = time.monotonic()
        with leat:
            left = set(leat.ports)
            while left:
                left -= {name for name in left if answers(leat.ports[name])}
                if time.monotonic() - begin > 30:
                    raise SystemExit(f"no answer from {left}: {leat.stderr()[-1000:]}")
                time.sleep(0.002)
            ports = time.monotonic() - begin
            row = first_row(leat.ports["store"]) - begin
            leat.stop()
        return ports, row


def memory_after(users):
    with tempfile.TemporaryDirectory(prefix="leat-memory-") as folder:
        leat = Leat(folder, "up", "--json", settings={"pipeline.rate": 5_000, "pipeline.for": f"{users / 5_000}s"})
        with leat:
            end = time.monotonic() + 300
            while time.monotonic() < end:
                rows = next((s["table"]["rows"] for s in reversed(leat.statuses()) if s.get("table")), 0)
                if rows >= users * 0.999:
                    break
                time.sleep(0.5)
            peak = peak_memory(leat.process.pid)
            leat.stop()
        return rows, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--users", type=int, default=100_000)
    arguments = parser.parse_args()
    starts = []
    for number in range(arguments.rounds):
        ports, row = cold_start()
        starts.append((ports, row))
        print(f"start {number + 1}: all ports answer after {ports * 1000:.0f} ms, the first row after {row * 1000:.0f} ms", flush=True)
    if starts:
        print(f"worst of {len(starts)}: ports {max(p for p, _ in starts) * 1000:.0f} ms, first row {max(r for _, r in starts) * 1000:.0f} ms")
    if arguments.users:
        rows, peak = memory_after(arguments.users)
        print(f"after {rows} users: VmHWM {peak:.0f} MiB")


if __name__ == "__main__":
    main()
