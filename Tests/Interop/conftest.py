import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "Support")]

from leat import Leat, wait_until  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes over five seconds")


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """`leat up` as people start it, its DAG's run shortened; shared by the tests, which keep to topics and tables of their own."""
    leat = Leat(tmp_path_factory.mktemp("stack"), "up", "--json", settings={"pipeline.rate": 20, "pipeline.for": "3s"})
    with leat:
        leat.wait_for_ports()
        wait_until("rows in the table", lambda: any(s["table"]["rows"] >= 60 for s in leat.statuses() if s.get("table")), 30)
        yield leat
        leat.stop()


@pytest.fixture(scope="session")
def cassandra(stack):
    from cassandra.cluster import Cluster

    cluster = Cluster(["127.0.0.1"], port=stack.ports["store"])
    session = cluster.connect()
    session.execute("CREATE KEYSPACE IF NOT EXISTS interop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    yield session
    cluster.shutdown()
