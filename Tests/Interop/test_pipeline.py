"""The users pipeline as `leat up` runs it: API to DAG to topic to query to table, each hop looked at from outside."""

import json
import os
import signal
import subprocess
import time
import uuid

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from leat import BINARY, Leat, wait_until

FIELDS = ["id", "first_name", "last_name", "gender", "address", "post_code", "email", "username", "dob", "registered_date", "phone", "picture"]


def read_topic(stack, name):
    consumer = Consumer({"bootstrap.servers": stack.address("broker"), "group.id": "reader", "enable.auto.commit": False})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=10)
        consumer.assign([TopicPartition(name, 0, low)])
        messages = []
        while len(messages) < high - low:
            message = consumer.poll(10)
            assert message is not None and message.error() is None
            messages.append(message)
        return messages
    finally:
        consumer.close()


def test_records_are_flat_users_keyed_by_id(stack):
    messages = read_topic(stack, "users_created")
    assert len(messages) >= 60
    for message in messages[:60]:
        user = json.loads(message.value())
        assert list(user) == FIELDS or set(user) == set(FIELDS)
        assert all(isinstance(value, str) for value in user.values())
        assert message.key().decode() == user["id"] and uuid.UUID(user["id"])


def test_each_record_is_a_row(stack, cassandra):
    users = {user["id"]: user for user in (json.loads(m.value()) for m in read_topic(stack, "users_created")[:60])}
    for key, user in users.items():
        row = cassandra.execute("SELECT * FROM spark_streams.created_users WHERE id = %s", (uuid.UUID(key),)).one()
        assert row is not None
        for name in FIELDS[1:]:
            assert getattr(row, name) == user[name]


def test_bad_records_go_to_the_dead_letter_topic_and_the_query_goes_on(stack, cassandra):
    producer = Producer({"bootstrap.servers": stack.address("broker")})
    good = str(uuid.uuid4())
    bad = {"not json": b"this is no JSON", "no key": b'{"first_name": "Nobody"}', "wrong type": b'{"id": "not-a-uuid", "first_name": "X"}'}
    for value in [*bad.values(), json.dumps({"id": good, "first_name": "After"}).encode()]:
        producer.produce("users_created", value)
    assert producer.flush(10) == 0
    wait_until("the good record after them in the table", lambda: cassandra.execute(
        "SELECT first_name FROM spark_streams.created_users WHERE id = %s", (uuid.UUID(good),)).one(), 10)

    def letters():
        found = {m.value(): dict(m.headers() or []) for m in read_topic(stack, "users_created.dead-letter")}
        return found if set(bad.values()) <= set(found) else None

    found = wait_until("three dead letters", letters, 10)
    for value in bad.values():
        headers = found[value]
        assert headers["leat.reason"] and headers["leat.topic"] == b"users_created"
        assert int(headers["leat.offset"]) >= 0 and headers["leat.query"] == b"users"
    status = wait_until("the drop in the status", lambda: next((s for s in reversed(stack.statuses()) if s["dropped"]["count"] >= 3), None), 10)
    assert status["dropped"]["lastReason"]
    assert status["query"].get("exception") is None and status["query"]["isActive"] is True


def test_the_scheduler_answers_airflows_api(stack):
    base = stack.url("scheduler") + "/api/v2"
    dags = requests.get(base + "/dags", timeout=10).json()
    assert [dag["dag_id"] for dag in dags["dags"]] == ["user_automation"]
    runs = requests.get(base + "/dags/user_automation/dagRuns", timeout=10).json()
    assert runs["total_entries"] >= 1 and runs["dag_runs"][0]["dag_id"] == "user_automation"
    created = requests.post(base + "/dags/user_automation/dagRuns", json={"logical_date": None}, timeout=10)
    assert created.status_code == 200, created.text
    run = created.json()["dag_run_id"]
    state = wait_until("the run's end", lambda: requests.get(f"{base}/dags/user_automation/dagRuns/{run}", timeout=10).json()["state"] in ("success", "failed") and "ended", 30)
    assert state
    instance = requests.get(f"{base}/dags/user_automation/dagRuns/{run}/taskInstances", timeout=10).json()["task_instances"][0]
    assert instance["task_id"] == "stream_data_from_api" and instance["state"] == "success"
    log = requests.get(f"{base}/dags/user_automation/dagRuns/{run}/taskInstances/stream_data_from_api/logs/1", timeout=10).json()
    assert "content" in log


def test_the_port_of_airflow_leads_to_the_console(stack):
    answer = requests.get(stack.url("scheduler") + "/home", timeout=10, allow_redirects=False)
    assert answer.status_code in (302, 303, 307) and answer.headers["location"].startswith(stack.url("console"))


def test_subjects_answers(stack):
    answer = requests.get(stack.url("registry") + "/subjects", timeout=10)
    assert answer.status_code == 200 and answer.json() == []


def test_ruok_answers(stack):
    import socket

    with socket.create_connection(("127.0.0.1", stack.ports["zookeeper"]), timeout=5) as connection:
        connection.sendall(b"ruok")
        assert connection.recv(16) == b"imok"


def test_kazoo_sees_the_broker(stack):
    from kazoo.client import KazooClient

    client = KazooClient(hosts=stack.address("zookeeper"), read_only=True)
    client.start(timeout=10)
    try:
        assert client.get_children("/brokers/ids") == ["1"]
        assert "users_created" in client.get_children("/brokers/topics")
        assert json.loads(client.get("/brokers/ids/1")[0])["port"] == stack.ports["broker"]
    finally:
        client.stop()


def test_pyspark_sees_the_query(stack):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(f"sc://{stack.address('engine')}").getOrCreate()
    try:
        query = next(q for q in spark.streams.active if q.name == "users")
        assert query.isActive and query.exception() is None
        assert query.recentProgress and "users_created" in str(query.lastProgress["sources"][0]["endOffset"])
        assert query.status["isTriggerActive"] in (True, False)
    finally:
        spark.stop()


def test_a_stop_drains_and_a_restart_resumes(tmp_path):
    settings = {"pipeline.rate": 50, "pipeline.for": "60s"}
    leat = Leat(tmp_path, "up", "--json", settings=settings)
    with leat:
        wait_until("rows", lambda: any(s["table"]["rows"] > 50 for s in leat.statuses() if s.get("table")), 30)
        assert leat.stop() == 0
    summary = leat.statuses()[-1]
    assert summary["summary"] is True
    assert summary["query"]["lag"] == 0 and summary["table"]["rows"] == summary["topic"]["records"]
    again = Leat(tmp_path, "up", "--json", ports=leat.ports, settings={**settings, "pipeline.trigger": "false"})
    with again:
        status = wait_until("the first status with rows", lambda: next((s for s in again.statuses() if s["table"]["rows"] > 0), None), 30)
        assert status["topic"]["records"] >= summary["topic"]["records"]
        again.stop()


def test_a_restart_without_news_shows_where_the_query_stands_and_stops_at_once(tmp_path):
    settings = {"pipeline.rate": 50, "pipeline.for": "1s"}
    first = Leat(tmp_path, "up", "--json", settings=settings)
    with first:
        wait_until("rows", lambda: any(s["table"]["rows"] >= 50 for s in first.statuses() if s.get("table")), 30)
        assert first.stop() == 0
    again = Leat(tmp_path, "up", "--json", ports=first.ports, settings={**settings, "pipeline.trigger": "false"})
    with again:
        status = wait_until("the query's place", lambda: next((s for s in again.statuses() if s["query"]["isActive"] and s["query"]["rows"] >= 50), None), 20)
        assert status["query"]["lag"] == 0
        began = time.monotonic()
        assert again.stop() == 0
        assert time.monotonic() - began < 8, "the stop waited for a query that had nothing to read"


def test_a_query_that_died_says_why(tmp_path):
    settings = {"pipeline.rate": 50, "pipeline.for": "1s"}
    first = Leat(tmp_path, "up", "--json", settings=settings)
    with first:
        wait_until("rows", lambda: any(s["table"]["rows"] >= 50 for s in first.statuses() if s.get("table")), 30)
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": first.address("broker")})
        assert first.process.poll() is None
        for future in admin.delete_topics(["users_created"]).values():
            future.result(10)
        for future in admin.create_topics([NewTopic("users_created", 1, 1)]).values():
            future.result(10)
        status = wait_until("the query's end", lambda: next((s for s in reversed(first.statuses()) if s["query"].get("exception")), None), 30)
        assert "KAFKA_DATA_LOSS" in status["query"]["exception"] and "checkpoint is the folder" in status["query"]["exception"]
        assert status["query"]["isActive"] is False
        began = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - began < 8, "the stop waited for a query that had ended"
    again = Leat(tmp_path, "up", "--json", ports=first.ports, settings={**settings, "pipeline.trigger": "false"})
    with again:
        status = wait_until("the reason", lambda: next((s for s in again.statuses() if s["query"].get("exception")), None), 30)
        assert "KAFKA_DATA_LOSS.TOPIC_RECREATED" in status["query"]["exception"]
        again.stop()


def test_a_reader_that_goes_away_ends_the_run_in_order(tmp_path):
    leat = Leat(tmp_path, "up", "--json")
    flags = [f"--{key}={value}" for key, value in leat.settings.items()]
    with open(leat.errors, "ab") as errors:
        process = subprocess.Popen([BINARY, "up", "--json", *flags], cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors)
    try:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0, leat.stderr()
    finally:
        process.kill()
    assert "Fatal" not in leat.stderr()
    # The stop was in order: the folder is free, and nothing has to be recovered.
    with leat:
        leat.wait_for_ports("scheduler")
        leat.stop()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_full_disk_on_the_output_costs_lines_and_not_the_run(tmp_path):
    leat = Leat(tmp_path, "up", "--json")
    flags = [f"--{key}={value}" for key, value in leat.settings.items()]
    with open(leat.errors, "ab") as errors, open("/dev/full", "wb") as full:
        process = subprocess.Popen([BINARY, "up", "--json", "--for", "3s", *flags], cwd=tmp_path, stdout=full, stderr=errors)
    try:
        assert process.wait(40) == 0, leat.stderr()
    finally:
        process.kill()
    assert "of output could not be written: No space left on device" in leat.stderr()


def test_a_closed_pipe_ends_cql_quietly(stack, cassandra):
    cassandra.execute("CREATE TABLE IF NOT EXISTS interop.wide (k int PRIMARY KEY, v text)")
    for k in range(200):
        cassandra.execute("INSERT INTO interop.wide (k, v) VALUES (%s, %s)", (k, "x" * 5_000))
    command = f"{BINARY} cql --store {stack.address('store')} --json -e 'SELECT * FROM interop.wide' | head -1"
    answer = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0 and answer.stderr == "" and answer.stdout.count("\n") == 1


def test_the_first_interruption_cancels_the_start(tmp_path):
    # The store that is named does not answer: preparing the tables waits for it.
    leat = Leat(tmp_path, "up", "--json", settings={"store.use": "127.0.0.1:1"})
    with leat:
        leat.wait_for_ports("scheduler")
        began = time.monotonic()
        leat.process.send_signal(signal.SIGINT)
        assert leat.process.wait(25) == 0
        assert time.monotonic() - began < 20
    assert "before everything had started" in leat.stderr()


def test_with_a_password_leat_up_runs_and_the_console_sees_the_dags(tmp_path):
    leat = Leat(tmp_path, "up", "--json", settings={"scheduler.password": "secret", "pipeline.rate": 20, "pipeline.for": "1s"})
    with leat:
        wait_until("rows", lambda: any(s["users"]["fetched"] >= 20 for s in leat.statuses()), 30)
        assert not any("401" in problem for s in leat.statuses() for problem in s["problems"])
        dags = requests.get(leat.url("console") + "/api/dags", timeout=10).json()
        assert [dag["id"] for dag in dags["list" if "list" in dags else "dags"]] == ["user_automation"], dags
        leat.stop()


def test_advertised_addresses_are_for_others(tmp_path):
    settings = {f"{box}.advertised": "nowhere.invalid:1" for box in ("store", "engine", "scheduler", "api", "registry", "console")}
    leat = Leat(tmp_path, "up", "--json", settings={**settings, "pipeline.rate": 20, "pipeline.for": "1s"})
    with leat:
        wait_until("rows in the table", lambda: any(s["table"]["rows"] >= 20 for s in leat.statuses() if s.get("table")), 30)
        leat.stop()
