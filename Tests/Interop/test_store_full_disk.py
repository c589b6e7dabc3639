"""The store on a disk that is full: acknowledged rows stay, reads go on, and nothing ends but the writing."""

import pathlib
import subprocess

import pytest
from cassandra.cluster import Cluster
from leat import Leat, free_ports

LOG_FILLS_IT = {"store.memtable.bytes": "64MiB"}
FILES_FILL_IT = {"store.memtable.bytes": "4MiB"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB; making one takes rights that not everybody has."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(tmp_path)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.parametrize("settings", [LOG_FILLS_IT, FILES_FILL_IT], ids=["log", "files"])
def test_a_full_disk_refuses_writes_and_loses_none(small_disk, settings):
    data = pathlib.Path(small_disk)
    with Leat(data, "store", ports=free_ports(["store"]), settings=settings) as leat:
        leat.wait_for_ports()
        cluster = Cluster(["127.0.0.1"], port=leat.ports["store"])
        session = cluster.connect()
        session.execute("CREATE KEYSPACE narrow WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE narrow.t (k int PRIMARY KEY, v blob)")
        insert = session.prepare("INSERT INTO narrow.t (k, v) VALUES (?, ?)")
        written = 0
        with pytest.raises(Exception, match="started again"):
            while True:
                session.execute(insert, (written, bytes(range(256)) * 160))
                written += 1
        for statement in ["INSERT INTO narrow.t (k) VALUES (-1)", "CREATE TABLE narrow.u (k int PRIMARY KEY)"]:
            with pytest.raises(Exception, match="started again"):
                session.execute(statement)
        assert session.execute("SELECT count(*) FROM narrow.t").one().count == written
        cluster.shutdown()
        leat.stop()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    with Leat(data, "store", ports=free_ports(["store"]), settings=settings) as leat:
        leat.wait_for_ports()
        cluster = Cluster(["127.0.0.1"], port=leat.ports["store"])
        session = cluster.connect()
        assert session.execute("SELECT count(*) FROM narrow.t").one().count == written
        session.execute("INSERT INTO narrow.t (k) VALUES (-1)")
        cluster.shutdown()
        leat.stop()
