"""Kafka's clients, as people use them, against the broker; what one writes the others read."""

import json
import subprocess
import sys
import uuid

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from leat import run, wait_until


def topic(name="t"):
    return f"interop-{name}-{uuid.uuid4().hex[:8]}"


def kcat(stack, *arguments, data=None):
    return subprocess.run(["kcat", "-b", stack.address("broker"), *arguments], input=data, capture_output=True, timeout=30, check=True).stdout


def read_by_kcat(stack, name):
    return kcat(stack, "-C", "-t", name, "-o", "beginning", "-e", "-q").splitlines()


def test_kcat_writes_and_others_read(stack):
    name = topic("kcat")
    kcat(stack, "-P", "-t", name, "-K", ":", data=b"a:one\nb:two\n")
    assert read_by_kcat(stack, name) == [b"one", b"two"]
    consumer = KafkaConsumer(name, bootstrap_servers=stack.address("broker"), auto_offset_reset="earliest", consumer_timeout_ms=5_000)
    messages = [next(consumer), next(consumer)]
    consumer.close()
    assert [(m.key, m.value) for m in messages] == [(b"a", b"one"), (b"b", b"two")]


def test_kcat_lists_the_broker_and_its_topics(stack):
    listing = json.loads(kcat(stack, "-L", "-J"))
    assert listing["brokers"][0]["name"] == stack.address("broker")
    assert "users_created" in [t["topic"] for t in listing["topics"]]


def test_each_listener_advertises_itself(stack):
    answer = subprocess.run(["kcat", "-b", stack.address("container"), "-L", "-J"], capture_output=True, timeout=30, check=True).stdout
    assert json.loads(answer)["brokers"][0]["name"] == stack.address("container")


@pytest.mark.parametrize("as_list", [True, False])
def test_kafka_python_as_the_tutorial_writes_it(stack, as_list):
    name, bootstrap = topic("tutorial"), stack.address("broker")
    producer = KafkaProducer(bootstrap_servers=[bootstrap] if as_list else bootstrap, max_block_ms=5000)
    metadata = producer.send(name, json.dumps({"first_name": "Ada"}).encode("utf-8")).get(timeout=10)
    assert metadata.offset == 0
    producer.close()
    assert read_by_kcat(stack, name) == [b'{"first_name": "Ada"}']


def test_records_leave_when_the_interpreter_exits_without_flush(stack):
    name = topic("no-flush")
    script = f"""
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=['{stack.address("broker")}'], max_block_ms=5000)
for number in range(100):
    producer.send('{name}', str(number).encode())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert read_by_kcat(stack, name) == [str(n).encode() for n in range(100)]


def test_a_group_takes_up_where_it_left_off(stack):
    name, group = topic("group"), f"group-{uuid.uuid4().hex[:8]}"
    producer = Producer({"bootstrap.servers": stack.address("broker")})
    for number in range(20):
        producer.produce(name, str(number))
    assert producer.flush(10) == 0

    def consume(count):
        consumer = KafkaConsumer(
            name, bootstrap_servers=stack.address("broker"), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
            max_poll_records=count, consumer_timeout_ms=20_000)
        values = [int(next(consumer).value) for _ in range(count)]
        consumer.commit({TopicPartition(name, 0): offset(values[-1] + 1)})
        consumer.close()
        return values

    assert consume(8) == list(range(8))
    assert consume(12) == list(range(8, 20))
    admin = KafkaAdminClient(bootstrap_servers=stack.address("broker"))
    # kafka-python 3 calls it list_groups, version 2 list_consumer_groups.
    assert group in str((getattr(admin, "list_groups", None) or admin.list_consumer_groups)())


def offset(number):
    from kafka.structs import OffsetAndMetadata

    try:
        return OffsetAndMetadata(number, "", -1)
    except TypeError:
        return OffsetAndMetadata(number, "")


def test_two_members_share_the_partitions_of_a_group(stack):
    name, group = topic("members"), f"group-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": stack.address("broker")})
    admin.create_topics([NewTopic(name, num_partitions=4, replication_factor=1)])[name].result(10)
    settings = {"bootstrap.servers": stack.address("broker"), "group.id": group, "auto.offset.reset": "earliest"}
    first, second = Consumer(settings), Consumer(settings)
    try:
        first.subscribe([name])
        second.subscribe([name])

        def shared():
            first.poll(0.1)
            second.poll(0.1)
            parts = [{p.partition for p in c.assignment()} for c in (first, second)]
            return len(parts[0]) == 2 and len(parts[1]) == 2 and parts[0] | parts[1] == {0, 1, 2, 3}

        wait_until("two partitions each", shared, 30)
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_batches_are_stored_in_the_codec_they_came_in(stack, codec):
    name = topic(codec)
    producer = Producer({"bootstrap.servers": stack.address("broker"), "compression.type": codec, "linger.ms": 50})
    for number in range(200):
        producer.produce(name, f"the same text again and again, number {number}")
    assert producer.flush(10) == 0
    segment = stack.data / "broker" / f"{name}-0"
    log = next(p for p in (stack.data / "broker").rglob("00000000000000000000.log") if p.parent.name == segment.name).read_bytes()
    codecs, at = set(), 0
    while at < len(log):
        length = int.from_bytes(log[at + 8:at + 12], "big")
        assert log[at + 16] == 2, "the batch is of magic 2"
        codecs.add(int.from_bytes(log[at + 21:at + 23], "big") & 7)
        at += 12 + length
    assert codecs == {["none", "gzip", "snappy", "lz4", "zstd"].index(codec)}
    assert len(read_by_kcat(stack, name)) == 200


def test_kcat_compresses_and_is_read(stack):
    name = topic("kcat-zstd")
    kcat(stack, "-P", "-t", name, "-z", "zstd", data=b"\n".join(b"line %d" % n for n in range(100)))
    assert len(read_by_kcat(stack, name)) == 100


def test_an_idempotent_producer_sends_once(stack):
    name = topic("idempotent")
    producer = Producer({"bootstrap.servers": stack.address("broker"), "enable.idempotence": True})
    offsets = []
    for number in range(500):
        producer.produce(name, str(number), on_delivery=lambda error, message: offsets.append(message.offset()))
    assert producer.flush(20) == 0
    assert offsets == list(range(500))


def test_admin_creates_widens_and_deletes(stack):
    name = topic("admin")
    admin = AdminClient({"bootstrap.servers": stack.address("broker")})
    admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])[name].result(10)
    admin.create_partitions([NewPartitions(name, 5)])[name].result(10)
    assert len(admin.list_topics(name, timeout=10).topics[name].partitions) == 5
    admin.delete_topics([name])[name].result(10)
    wait_until("the topic gone", lambda: name not in admin.list_topics(timeout=10).topics, 10)


def test_leat_reads_and_writes_with_its_own_commands(stack):
    name, broker = topic("own"), stack.address("broker")
    assert run("topic", "create", name, "--broker", broker).returncode == 0
    assert run("produce", name, "--broker", broker, data="one\ntwo\n").returncode == 0
    assert read_by_kcat(stack, name) == [b"one", b"two"]
    kcat(stack, "-P", "-t", name, data=b"three\n")
    answer = run("consume", name, "--broker", broker, "--from", "earliest", "--count", "3")
    assert answer.stdout.split() == ["one", "two", "three"], answer.stderr
    assert name in [entry["name"] for entry in json.loads(run("topic", "list", "--broker", broker, "--json").stdout)]
