"""Transactions and administration by other people's clients: librdkafka (confluent-kafka) and kafka-python."""

import time
import uuid

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec,
)
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as PythonPartition
from kafka.admin import KafkaAdminClient

from leat import Leat, free_ports, wait_until


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker alone."""
    ports = free_ports(["broker", "container"])
    with Leat(tmp_path_factory.mktemp("broker"), "broker", ports=ports) as leat:
        leat.wait_for_ports("broker")
        yield leat
        leat.stop()


def name(kind):
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(broker):
    made = name("transactions")
    admin = AdminClient({"bootstrap.servers": broker.address("broker")})
    admin.create_topics([NewTopic(made, 2)])[made].result(10)
    return made


def producer(broker, transactional_id, timeout=60_000):
    made = Producer({
        "bootstrap.servers": broker.address("broker"), "transactional.id": transactional_id, "transaction.timeout.ms": timeout,
        "linger.ms": 1,
    })
    made.init_transactions(10)
    return made


def read(broker, topic, isolation="read_committed", partitions=(0, 1)):
    """Every value of the topic that a consumer of this isolation level sees up to the end, by partition and offset."""
    consumer = Consumer({
        "bootstrap.servers": broker.address("broker"), "group.id": name("reader"), "isolation.level": isolation,
        "enable.auto.commit": False, "enable.partition.eof": True,
    })
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    values, ended = [], set()
    while len(ended) < len(partitions):
        message = consumer.poll(20)
        assert message is not None, f"reading {topic} stalled at {values}"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            values.append((message.partition(), message.offset(), message.value().decode()))
    consumer.close()
    return [value for _, _, value in sorted(values)]


def test_committed_records_are_read_and_aborted_ones_are_not(broker, topic):
    made = producer(broker, name("id"))
    for number in range(6):
        made.begin_transaction()
        for index in range(20):
            made.produce(topic, f"{number}:{index}", partition=index % 2)
        if number % 3 == 2:
            made.flush(10)
            made.abort_transaction(10)
        else:
            made.commit_transaction(10)
    wanted = sorted(f"{number}:{index}" for number in (0, 1, 3, 4) for index in range(20))
    assert sorted(read(broker, topic)) == wanted
    assert len(read(broker, topic, "read_uncommitted")) == 120


def test_records_of_an_open_transaction_are_invisible_until_it_commits(broker, topic):
    made = producer(broker, name("id"))
    made.begin_transaction()
    made.produce(topic, "open", partition=0)
    made.flush(10)
    assert read(broker, topic) == []
    assert read(broker, topic, "read_uncommitted") == ["open"]
    made.commit_transaction(10)
    assert read(broker, topic) == ["open"]


def test_a_second_instance_fences_the_first(broker, topic):
    identity = name("id")
    first = producer(broker, identity)
    first.begin_transaction()
    first.produce(topic, "lost", partition=0)
    first.flush(10)
    second = producer(broker, identity)
    with pytest.raises(KafkaException) as refused:
        first.produce(topic, "late", partition=1)
        first.commit_transaction(10)
    assert refused.value.args[0].fatal() or refused.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)
    second.begin_transaction()
    second.produce(topic, "kept", partition=0)
    second.commit_transaction(10)
    assert read(broker, topic) == ["kept"]


def test_offsets_go_with_the_transaction(broker, topic):
    bootstrap, source, group = broker.address("broker"), name("source"), name("group")
    feeder = Producer({"bootstrap.servers": bootstrap})
    for number in range(30):
        feeder.produce(source, str(number))
    assert feeder.flush(10) == 0
    made = producer(broker, name("id"))

    def move(count, commit):
        consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "isolation.level": "read_committed",
        })
        consumer.subscribe([source])
        values = [message.value() for message in consumer.consume(count, 20)]
        made.begin_transaction()
        for value in values:
            made.produce(topic, value, partition=0)
        made.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 10)
        made.commit_transaction(10) if commit else made.abort_transaction(10)
        consumer.close()
        return [int(value) for value in values]

    assert move(10, True) == list(range(10))
    assert move(10, False) == list(range(10, 20))
    assert move(10, True) == list(range(10, 20)), "an aborted transaction moves no offsets"
    assert [int(value) for value in read(broker, topic)] == list(range(20))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    committed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(10)
    assert [p.offset for p in committed.topic_partitions] == [20]


def test_a_transaction_that_is_open_too_long_is_aborted(broker, topic):
    made = producer(broker, name("id"), timeout=1_000)
    made.begin_transaction()
    made.produce(topic, "late", partition=0)
    made.flush(10)
    admin, place = AdminClient({"bootstrap.servers": broker.address("broker")}), TopicPartition(topic, 0)

    def latest():
        asked = admin.list_offsets({place: OffsetSpec.latest()}, isolation_level=IsolationLevel.READ_COMMITTED)
        return asked[place].result(10).offset

    wait_until("the marker", lambda: latest() == 2, 15, every=0.1)
    assert read(broker, topic) == []
    with pytest.raises(KafkaException):
        made.commit_transaction(10)
    after = producer(broker, name("id"))
    after.begin_transaction()
    after.produce(topic, "next", partition=0)
    after.commit_transaction(10)
    assert read(broker, topic) == ["next"]


def test_transactions_of_kafka_python(broker, topic):
    made = KafkaProducer(bootstrap_servers=broker.address("broker"), transactional_id=name("id"), acks="all")
    made.init_transactions()
    for number in range(4):
        made.begin_transaction()
        for index in range(5):
            made.send(topic, f"{number}:{index}".encode(), partition=index % 2)
        made.commit_transaction() if number % 2 == 0 else made.abort_transaction()
    made.close()
    wanted = sorted(f"{number}:{index}" for number in (0, 2) for index in range(5))
    assert sorted(read(broker, topic)) == wanted
    consumer = KafkaConsumer(
        bootstrap_servers=broker.address("broker"), isolation_level="read_committed", auto_offset_reset="earliest",
        consumer_timeout_ms=2_000)
    consumer.assign([PythonPartition(topic, 0), PythonPartition(topic, 1)])
    assert sorted(message.value.decode() for message in consumer) == wanted
    consumer.close()


def test_transactions_are_listed_and_described(broker, topic):
    identity = name("id")
    made = producer(broker, identity)
    made.begin_transaction()
    made.produce(topic, "v", partition=1)
    made.flush(10)
    admin = KafkaAdminClient(bootstrap_servers=broker.address("broker"))
    assert identity in str(admin.list_transactions())
    described = str(admin.describe_transactions([identity]))
    assert "Ongoing" in described.title() and topic in described
    made.commit_transaction(10)
    assert "complete" in str(admin.describe_transactions([identity])).lower()
    admin.close()


def test_records_are_deleted_by_request(broker, topic):
    made = Producer({"bootstrap.servers": broker.address("broker")})
    for number in range(10):
        made.produce(topic, str(number), partition=0)
    assert made.flush(10) == 0
    admin = AdminClient({"bootstrap.servers": broker.address("broker")})
    place = TopicPartition(topic, 0, 4)
    assert admin.delete_records([place])[place].result(10).low_watermark == 4
    consumer = Consumer({"bootstrap.servers": broker.address("broker"), "group.id": name("g"), "auto.offset.reset": "earliest"})
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 10) == (4, 10)
    consumer.assign([TopicPartition(topic, 0, 0)])
    assert [message.value() for message in consumer.consume(6, 10)] == [str(n).encode() for n in range(4, 10)]
    consumer.close()


def test_configurations_are_altered(broker, topic):
    admin = AdminClient({"bootstrap.servers": broker.address("broker")})
    change = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "1234", incremental_operation=AlterConfigOpType.SET)])
    admin.incremental_alter_configs([change])[change].result(10)
    described = ConfigResource(ConfigResource.Type.TOPIC, topic)
    assert admin.describe_configs([described])[described].result(10)["retention.ms"].value == "1234"
    bad = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)])
    with pytest.raises(KafkaException, match="retention.ms"):
        admin.incremental_alter_configs([bad])[bad].result(10)


def test_groups_are_listed_described_deleted_and_offsets_taken_back(broker, topic):
    bootstrap, group = broker.address("broker"), name("group")
    made = Producer({"bootstrap.servers": bootstrap})
    made.produce(topic, "v", partition=0)
    made.produce(topic, "v", partition=1)
    assert made.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    assert len(consumer.consume(2, 20)) == 2
    consumer.commit(asynchronous=False)
    admin, python = AdminClient({"bootstrap.servers": bootstrap}), KafkaAdminClient(bootstrap_servers=bootstrap)
    assert group in [g.group_id for g in admin.list_consumer_groups().result(10).valid]
    assert admin.describe_consumer_groups([group])[group].result(10).state.name == "STABLE"
    with pytest.raises(KafkaException):
        admin.delete_consumer_groups([group])[group].result(10)
    consumer.close()
    python.delete_group_offsets(group, [PythonPartition(topic, 0)])
    left = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(10)
    assert [(p.partition, p.offset) for p in left.topic_partitions] == [(1, 1)]
    admin.delete_consumer_groups([group])[group].result(10)
    assert group not in [g.group_id for g in admin.list_consumer_groups().result(10).valid]
    python.close()


def test_a_committed_transaction_outlives_kill_9(broker, topic):
    made = producer(broker, name("id"))
    made.begin_transaction()
    for index in range(100):
        made.produce(topic, f"kept:{index}", partition=index % 2)
    made.commit_transaction(10)
    identity = name("open")
    opened = producer(broker, identity)
    opened.begin_transaction()
    opened.produce(topic, "open", partition=0)
    opened.flush(10)
    broker.kill()
    broker.start()
    broker.wait_for_ports("broker")
    assert sorted(read(broker, topic)) == sorted(f"kept:{index}" for index in range(100))
    deadline = time.monotonic() + 20
    opened.produce(topic, "more", partition=1)
    opened.commit_transaction(deadline - time.monotonic())
    assert sorted(read(broker, topic))[-2:] == ["more", "open"]
