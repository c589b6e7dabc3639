"""Cassandra's clients, as people use them, against the store; what one writes the others read."""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest
from cassandra import InvalidRequest
from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, SimpleStatement, dict_factory, named_tuple_factory

from leat import run

HERE = pathlib.Path(__file__).resolve().parent


def cqlsh(stack, statement):
    cqlsh = pathlib.Path(sys.executable).parent / "cqlsh"
    answer = subprocess.run([cqlsh, "127.0.0.1", str(stack.ports["store"]), "-e", statement], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return answer.stdout


@pytest.mark.parametrize("version", [3, 4, 5])
def test_the_driver_speaks_each_protocol_version(stack, version):
    cluster = Cluster(["127.0.0.1"], port=stack.ports["store"], protocol_version=version)
    try:
        row = cluster.connect().execute("SELECT cluster_name, release_version FROM system.local").one()
        assert row.release_version
        assert cluster.protocol_version == version
    finally:
        cluster.shutdown()


def test_prepared_statements_and_named_tuples(cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.people (id uuid PRIMARY KEY, name text, age int, tags set<text>, seen timestamp,)")
    insert = cassandra.prepare("INSERT INTO interop.people (id, name, age, tags) VALUES (?, ?, ?, ?)")
    key = uuid.uuid4()
    cassandra.execute(insert, (key, "Grace", 37, {"navy", "cobol"}))
    row = cassandra.execute(cassandra.prepare("SELECT * FROM interop.people WHERE id = ?"), [key]).one()
    assert (row.name, row.age, set(row.tags), row.seen) == ("Grace", 37, {"navy", "cobol"}, None)
    assert type(row).__name__ == "Row"


def test_percent_s_parameters_as_the_tutorial_writes_them(cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.tutorial (id UUID PRIMARY KEY, first_name TEXT, post_code TEXT)")
    key = uuid.uuid4()
    cassandra.execute("INSERT INTO interop.tutorial(id, first_name, post_code) VALUES (%s, %s, %s)", (key, "O'Brien", "0123"))
    assert cassandra.execute("SELECT first_name FROM interop.tutorial WHERE id = %s", (key,)).one().first_name == "O'Brien"


def test_paging_over_twenty_thousand_rows(cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.pages (part int, row int, value text, PRIMARY KEY (part, row))")
    insert = cassandra.prepare("INSERT INTO interop.pages (part, row, value) VALUES (?, ?, ?)")
    for begin in range(0, 20_000, 200):
        batch = BatchStatement()
        for number in range(begin, begin + 200):
            batch.add(insert, (number % 7, number, f"value {number}"))
        cassandra.execute(batch)
    rows = list(cassandra.execute(SimpleStatement("SELECT part, row, value FROM interop.pages", fetch_size=500)))
    assert len(rows) == 20_000
    assert {row.row for row in rows} == set(range(20_000))
    assert all(row.value == f"value {row.row}" for row in rows)
    assert cassandra.execute("SELECT count(*) FROM interop.pages").one()[0] == 20_000


def test_every_kind_of_column_comes_back(cassandra):
    cassandra.execute(
        """CREATE TABLE IF NOT EXISTS interop.kinds (
            k int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet, l smallint,
            m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, s varint, t list<int>, u set<text>, v map<text, int>)""")
    import datetime
    import decimal

    from cassandra.util import Date, Duration, Time, uuid_from_time

    values = dict(
        k=1, a="ascii", b=2**40, c=b"\x00\xff", d=True, e=Date(datetime.date(2026, 2, 28)), f=decimal.Decimal("-12.345"), g=2.5,
        h=Duration(1, 2, 3), i=0.5, j="10.1.2.3", l=-7, m="žluťoučký 🐴", n=Time("12:34:56.789"), o=datetime.datetime(2026, 1, 2, 3, 4, 5, 678000),
        p=uuid_from_time(1_700_000_000), q=-128, r=uuid.uuid4(), s=-(2**70), t=[3, 1, 2], u={"x", "y"}, v={"one": 1, "two": 2})
    marks = ", ".join("?" for _ in values)
    cassandra.execute(cassandra.prepare(f"INSERT INTO interop.kinds ({', '.join(values)}) VALUES ({marks})"), list(values.values()))
    row = cassandra.execute("SELECT * FROM interop.kinds WHERE k = 1").one()._asdict()
    for name, value in values.items():
        found = row[name]
        assert (dict(found) if name == "v" else set(found) if name == "u" else found) == value, name


def test_an_error_carries_cassandras_words(cassandra):
    with pytest.raises(InvalidRequest, match="(?i)undefined column name nope"):
        cassandra.execute("SELECT nope FROM interop.pages")


def test_ttl_and_writetime(cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.times (k int PRIMARY KEY, v text)")
    cassandra.execute("INSERT INTO interop.times (k, v) VALUES (1, 'x') USING TIMESTAMP 1234567 AND TTL 1000")
    row = cassandra.execute("SELECT writetime(v) AS written, ttl(v) AS left FROM interop.times WHERE k = 1").one()
    assert row.written == 1234567 and 900 < row.left <= 1000


def test_cqlsh_describes_selects_and_copies(stack, cassandra, tmp_path):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.copied (id int PRIMARY KEY, name text)")
    assert "spark_streams" in cqlsh(stack, "DESCRIBE KEYSPACES")
    described = cqlsh(stack, "DESCRIBE TABLE spark_streams.created_users")
    assert "CREATE TABLE spark_streams.created_users" in described and "id uuid PRIMARY KEY" in described
    assert "(1 rows)" in cqlsh(stack, "SELECT first_name FROM spark_streams.created_users LIMIT 1")
    source = tmp_path / "in.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([[n, f"name {n}"] for n in range(500)])
    cqlsh(stack, f"COPY interop.copied (id, name) FROM '{source}'")
    assert cassandra.execute("SELECT count(*) FROM interop.copied").one()[0] == 500
    target = tmp_path / "out.csv"
    cqlsh(stack, f"COPY interop.copied (id, name) TO '{target}'")
    with target.open(newline="") as file:
        assert {tuple(row) for row in csv.reader(file)} == {(str(n), f"name {n}") for n in range(500)}


def test_gocql_connects_writes_and_reads(stack, cassandra, tmp_path):
    go = shutil.which("go")
    sources = pathlib.Path("/usr/share/gocode/src/github.com/gocql/gocql")
    assert go and sources.exists(), "Debian's golang-go and golang-github-gocql-gocql-dev are wanted: make deps-test"
    program = tmp_path / "main.go"
    program.write_text((HERE / "gocql_check.go.txt").read_text())
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": ""}
    binary = tmp_path / "check"
    subprocess.run([go, "build", "-o", binary, program], check=True, timeout=300, env=environment)
    answer = subprocess.run([binary, str(stack.ports["store"])], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0 and answer.stdout.strip() == "Ada 1815", answer.stderr


def test_leat_cql_shows_what_the_driver_wrote(stack, cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.own (k int PRIMARY KEY, v text)")
    cassandra.execute("INSERT INTO interop.own (k, v) VALUES (1, 'seen')")
    answer = run("cql", "--store", stack.address("store"), "-e", "SELECT * FROM interop.own")
    assert answer.returncode == 0 and "seen" in answer.stdout, answer.stderr
    answer = run("cql", "--store", stack.address("store"), "--json", "-e", "SELECT k, v FROM interop.own")
    assert '"v":"seen"' in answer.stdout.replace(" ", "")
