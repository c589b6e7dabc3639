"""The users pipeline as `leat up` runs it: API to DAG to topic to query to table, each hop looked at from outside."""

import json
import uuid

import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from leat import Leat, wait_until

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
    assert status["dropped"]["lastReason"] and status["query"]["exception"] is None if "exception" in status["query"] else True


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
