"""Rounds of faults: load, a kill at a random moment, a restart, and the check."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "Support")]

from checker import Checker, Unopened  # noqa: E402
from leat import Leat, PORTS, free_ports, wait_until  # noqa: E402
from load import Records, Rows  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


class Loads:
    """Both loads, in threads, over the same ports through every restart."""

    def __init__(self, ports, seed):
        self.records, self.rows, self.ports = Records(seed), Rows(), ports

    def start(self):
        self.stop_event = threading.Event()
        self.threads = [
            threading.Thread(target=self.records.run, args=(self.ports["broker"], self.stop_event), daemon=True),
            threading.Thread(target=self.rows.run, args=(self.ports["store"], self.stop_event), daemon=True),
        ]
        records, rows = len(self.records.acknowledged), len(self.rows.acknowledged)
        for thread in self.threads:
            thread.start()
        wait_until(
            f"both loads under way (rows: {self.rows.last_error})",
            lambda: len(self.records.acknowledged) > records and len(self.rows.acknowledged) > rows, 30)

    def stop(self):
        self.stop_event.set()
        for thread in self.threads:
            thread.join(15)


def whole(folder, rounds, seed=1, report=print, power_loss=False, ignored=None):
    """`leat up`, killed and started again; with `power_loss` what was not synced is gone at the restart."""
    folder, draw = pathlib.Path(folder), random.Random(seed)
    ports = free_ports(PORTS)
    loads = Loads(ports, seed)
    checker = Checker(loads.records, loads.rows)
    environment, shadow = {}, folder / "shadow"
    if power_loss:
        library = build_library(folder)
        environment = {
            "LD_PRELOAD": str(library), "POWERLOSS_ROOT": str((folder / "data").resolve()),
            "POWERLOSS_SHADOW": str(shadow.resolve()), "POWERLOSS_IGNORE": ignored or "",
        }
    leat = Leat(folder, "up", "--json", ports=ports, settings={"pipeline.trigger": "false"}, environment=environment)
    try:
        for number in range(1, rounds + 1):
            if power_loss:
                lay_shadow(leat.data, shadow)
            leat.start()
            leat.wait_for_ports("broker", "store", "engine")
            loads.start()
            moment = draw.uniform(0.3, 2.0)
            loads.stop_event.wait(moment)
            leat.kill()
            loads.stop()
            if power_loss:
                restore(leat.data, shadow)
            after = Leat(folder, "up", "--json", ports=ports, settings={"pipeline.trigger": "false"})
            after.start()
            try:
                try:
                    after.wait_for_ports("broker", "store", "engine")
                except AssertionError as error:
                    raise Unopened(str(error)) from error
                count = checker.check(ports["broker"], ports["store"])
            finally:
                after.stop()
            report(f"round {number}: {'power lost' if power_loss else 'killed'} after {moment:.2f} s; "
                   f"{len(loads.records.acknowledged)} records and {len(loads.rows.acknowledged)} rows acknowledged so far, {count} records in the topic: all there")
    finally:
        if leat.process and leat.process.poll() is None:
            leat.kill()


def apart(folder, rounds, seed=2, report=print):
    """Each box in a process of its own; each round kills one of them."""
    folder, draw = pathlib.Path(folder), random.Random(seed)
    ports = free_ports(PORTS)
    loads = Loads(ports, seed)
    checker = Checker(loads.records, loads.rows)
    elsewhere = {"broker.use": f"127.0.0.1:{ports['broker']}", "store.use": f"127.0.0.1:{ports['store']}"}
    boxes = {
        "broker": Leat(folder, "broker", ports=ports),
        "store": Leat(folder, "store", ports=ports),
        "engine": Leat(folder, "engine", "--pipeline", "users", ports=ports, settings=elsewhere),
        "scheduler": Leat(folder, "scheduler", "--pipeline", "users", ports=ports, settings=elsewhere),
    }
    try:
        for name, box in boxes.items():
            box.start()
            box.wait_for_ports(name)
        for number in range(1, rounds + 1):
            victim = list(boxes)[(number - 1) % len(boxes)]
            loads.start()
            moment = draw.uniform(0.3, 2.0)
            loads.stop_event.wait(moment)
            boxes[victim].kill()
            boxes[victim].start()
            boxes[victim].wait_for_ports(victim)
            loads.stop()
            count = checker.check(ports["broker"], ports["store"])
            report(f"round {number}: {victim} killed after {moment:.2f} s; {len(loads.records.acknowledged)} records and "
                   f"{len(loads.rows.acknowledged)} rows acknowledged so far, {count} records in the topic: all there")
    finally:
        for box in boxes.values():
            if box.process and box.process.poll() is None:
                box.kill()


def build_library(folder):
    library = pathlib.Path(folder).resolve() / "powerloss.so"
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, HERE / "powerloss.c", "-ldl", "-lpthread"], check=True)
    return library


def lay_shadow(data, shadow):
    """What is in the folder when the box starts is on the disk already."""
    shutil.rmtree(shadow, ignore_errors=True)
    (shadow / "inodes").mkdir(parents=True)
    (shadow / "tree").mkdir()
    for path in data.rglob("*") if data.exists() else []:
        name = shadow / "tree" / path.relative_to(data)
        if path.is_dir():
            name.mkdir(parents=True, exist_ok=True)
        else:
            name.parent.mkdir(parents=True, exist_ok=True)
            bytes_ = shadow / "inodes" / str(path.stat().st_ino)
            shutil.copyfile(path, bytes_)
            os.link(bytes_, name)


def restore(data, shadow):
    """The disk as it was left: what had not been synced is gone."""
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(shadow / "tree", data)
