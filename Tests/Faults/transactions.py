"""A transaction checker in the manner of Jepsen's Kafka workload, round kill -9 of the broker.

Writers send transactions of several records over several partitions, some of which they abort; a mover reads a topic and writes
what it read to another together with its offsets; readers of committed records poll all the while. After each kill and restart:

- lost write: a record of a transaction whose commit was acknowledged is not there;
- aborted read: a record of a transaction that was aborted is read, by a live reader or at the end;
- torn transaction: of one whose outcome the writer never learnt, some records are there and some are not;
- duplicate: a record is there twice, or what the mover read is written twice or not at all;
- non-monotonic poll: a live reader sees offsets of a partition, or a writer's records, out of their order;
- vanished: what a live reader saw is not there at the end.
"""

import pathlib
import random
import threading
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from checker import Loss, Unopened
from leat import Leat, free_ports, wait_until
from rounds import build_library, lay_shadow, restore

PARTITIONS = 3
TARGETS = ["written-a", "written-b"]
SOURCE, MOVED = "source", "moved"
GROUP = "mover"


def quiet(port, **settings):
    # A client that bootstraps anew forgets its brokers but not where it found the group's coordinator (librdkafka 2.16): it then
    # never sends TxnOffsetCommit, and heeds no time-out while it waits.
    return {"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0, "socket.timeout.ms": 3_000, "metadata.recovery.strategy": "none", "reconnect.backoff.max.ms": 200, **settings}


def transactional(port, identity):
    return Producer(quiet(
        port, **{"transactional.id": identity, "transaction.timeout.ms": 20_000, "linger.ms": 1, "message.timeout.ms": 15_000}))


class Writer:
    """One transactional id; remembers what it was told about each transaction."""

    def __init__(self, port, number, seed):
        self.port, self.identity = port, f"writer-{number}"
        self.random = random.Random(seed * 1_000 + number)
        self.next = 0
        self.records = {}  # transaction to the values that it sent
        self.outcomes = {}  # transaction to "committed", "aborted" or "unknown"
        self.errors = []

    def run(self, stop):
        producer = None
        while not stop.is_set():
            try:
                if producer is None:
                    producer = transactional(self.port, self.identity)
                    producer.init_transactions(5)
                if not self.transact(producer):
                    producer = None
            except KafkaException as error:
                self.errors.append(str(error))
                # A new instance ends what this one may have left open.
                producer = None
                stop.wait(0.05)

    def transact(self, producer):
        """Whether the instance goes on: some are left with their transaction open, and some are not told the outcome."""
        transaction = f"{self.identity}:{self.next:06d}"
        self.next += 1
        commits = self.random.random() < 0.75
        values = [(self.random.choice(TARGETS), self.random.randrange(PARTITIONS), f"{transaction}:{n}") for n in range(self.random.randint(1, 8))]
        self.records[transaction], self.outcomes[transaction] = [value for _, _, value in values], "unknown"
        producer.begin_transaction()
        for topic, partition, value in values:
            producer.produce(topic, value, partition=partition)
        draw = self.random.random()
        if draw < 0.02:
            producer.flush(5)
            self.outcomes[transaction] = "aborted"
            return False
        if commits:
            producer.commit_transaction(0.001 if draw < 0.04 else 5)
            self.outcomes[transaction] = "committed"
        else:
            if self.random.random() < 0.7:
                producer.flush(5)
            producer.abort_transaction(5)
            self.outcomes[transaction] = "aborted"
        return True


class Mover:
    """Reads the source from where the group stands, and writes to another topic: records and offsets in one transaction."""

    def __init__(self, port):
        self.port, self.moved, self.errors = port, 0, []

    def run(self, stop):
        while not stop.is_set():
            consumer = None
            try:
                producer = transactional(self.port, "mover")
                producer.init_transactions(5)
                consumer = Consumer(quiet(self.port, **{
                    "group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest", "isolation.level": "read_committed"}))
                places = consumer.committed([TopicPartition(SOURCE, p) for p in range(PARTITIONS)], 5)
                consumer.assign([TopicPartition(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_BEGINNING) for p in places])
                while not stop.is_set():
                    self.move(producer, consumer)
            except KafkaException as error:
                self.errors.append(str(error))
                stop.wait(0.05)
            finally:
                if consumer:
                    consumer.close()

    def move(self, producer, consumer):
        messages = [message for message in consumer.consume(20, 0.2) if not message.error()]
        if not messages:
            return
        producer.begin_transaction()
        for message in messages:
            producer.produce(MOVED, message.value(), partition=message.partition())
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 5)
        producer.commit_transaction(5)
        self.moved += len(messages)


class Feeder:
    """Fills the source, record by record, without transactions."""

    def __init__(self, port):
        self.port, self.next, self.acknowledged = port, 0, {}

    def run(self, stop):
        producer = Producer(quiet(self.port, **{"acks": "all", "enable.idempotence": True, "linger.ms": 1, "message.timeout.ms": 15_000}))
        while not stop.is_set():
            for _ in range(5):
                value = f"fed:{self.next}"
                self.next += 1
                producer.produce(SOURCE, value, partition=self.next % PARTITIONS, on_delivery=self.delivered(value))
            producer.poll(0)
            stop.wait(0.01)
        producer.flush(15)

    def delivered(self, value):
        def report(error, message):
            if error is None:
                self.acknowledged[value] = (message.partition(), message.offset())
        return report


class Reader:
    """Polls committed records through every restart, and notes what it sees at once."""

    def __init__(self, port):
        self.port, self.seen, self.complaints = port, {}, []

    def run(self, stop):
        consumer = Consumer(quiet(self.port, **{
            "group.id": f"reader-{uuid.uuid4().hex[:6]}", "enable.auto.commit": False, "isolation.level": "read_committed",
            "fetch.wait.max.ms": 100}))
        consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t in [*TARGETS, MOVED] for p in range(PARTITIONS)])
        last = {}
        while not stop.is_set():
            message = consumer.poll(0.2)
            if message is None or message.error():
                continue
            place, value = (message.topic(), message.partition()), message.value().decode()
            if message.offset() <= last.get(place, -1):
                self.complaints.append(f"non-monotonic poll: {place} gave offset {message.offset()} after {last[place]}")
            last[place] = message.offset()
            self.seen[(*place, message.offset())] = value
        consumer.close()


def read_all(port, topics, isolation="read_committed"):
    """Everything that is committed, as (topic, partition) to its values in order."""
    consumer = Consumer(quiet(port, **{
        "group.id": f"checker-{uuid.uuid4().hex[:6]}", "enable.auto.commit": False, "isolation.level": isolation,
        "enable.partition.eof": True}))
    places = [TopicPartition(t, p, OFFSET_BEGINNING) for t in topics for p in range(PARTITIONS)]
    consumer.assign(places)
    found, ended = {(p.topic, p.partition): [] for p in places}, set()
    try:
        while len(ended) < len(places):
            message = consumer.poll(20)
            if message is None:
                raise Loss(f"reading {topics} stalled: {len(ended)} of {len(places)} partitions came to their end")
            if message.error():
                if message.error().code() != -191:
                    raise Loss(f"reading {topics}: {message.error()}")
                ended.add((message.topic(), message.partition()))
            else:
                found[(message.topic(), message.partition())].append((message.offset(), message.value().decode()))
        return found
    finally:
        consumer.close()


def check(port, writers, reader, feeder):
    found = read_all(port, [*TARGETS, SOURCE, MOVED])
    complaints = list(reader.complaints)
    count = {}
    for (topic, _), values in found.items():
        if topic in TARGETS:
            for _, value in values:
                count[value] = count.get(value, 0) + 1
    complaints += [f"duplicate: {value} stands {n} times" for value, n in count.items() if n > 1]
    total = 0
    for writer in writers:
        for transaction, values in writer.records.items():
            there = [value for value in values if value in count]
            outcome = writer.outcomes[transaction]
            if outcome == "committed":
                total += 1
                if len(there) != len(values):
                    complaints.append(f"lost write: {transaction} was committed, and {len(values) - len(there)} of {len(values)} records are missing")
            elif outcome == "aborted" and there:
                complaints.append(f"aborted read: {transaction} was aborted, and {len(there)} of {len(values)} records are there")
            elif outcome == "unknown" and there and len(there) != len(values):
                complaints.append(f"torn transaction: of {transaction} {len(there)} of {len(values)} records are there")
    for place, values in found.items():
        if place[0] not in TARGETS:
            continue
        last = {}
        for _, value in values:
            identity, transaction, number = value.split(":")
            if (transaction, int(number)) <= last.get(identity, ("", -1)):
                complaints.append(f"out of order: {value} comes after {last[identity]} in {place}")
            last[identity] = (transaction, int(number))
    offsets = {(*place, offset): value for place, values in found.items() for offset, value in values}
    vanished = [place for place, value in reader.seen.items() if offsets.get(place) != value]
    complaints += [f"vanished: a reader saw {reader.seen[place]} at {place}" for place in vanished]
    for partition in range(PARTITIONS):
        source = [value for _, value in found[(SOURCE, partition)]]
        moved = [value for _, value in found[(MOVED, partition)]]
        if moved != source[:len(moved)]:
            wrong = next((n for n, (a, b) in enumerate(zip(moved, source)) if a != b), min(len(moved), len(source)))
            complaints.append(f"moved other than read: partition {partition} differs at {wrong}: {moved[wrong:wrong + 3]} from {source[wrong:wrong + 3]}")
    stands = {p.partition: p.offset for p in committed(port)}
    for partition in range(PARTITIONS):
        moved, source = found[(MOVED, partition)], found[(SOURCE, partition)]
        wanted = source[len(moved) - 1][0] + 1 if moved else None
        if moved and stands.get(partition) != wanted:
            complaints.append(f"the group stands at {stands.get(partition)} in partition {partition}, and its output at {wanted}")
    here = {value for p in range(PARTITIONS) for _, value in found[(SOURCE, p)]}
    complaints += [f"lost write: {value} was acknowledged" for value in feeder.acknowledged if value not in here]
    if complaints:
        raise Loss(f"{len(complaints)} complaints, the first: " + "; ".join(complaints[:5]))
    return total, sum(len(found[(MOVED, p)]) for p in range(PARTITIONS))


def committed(port):
    consumer = Consumer(quiet(port, **{"group.id": GROUP, "enable.auto.commit": False}))
    try:
        return consumer.committed([TopicPartition(SOURCE, p) for p in range(PARTITIONS)], 10)
    finally:
        consumer.close()


def rounds(folder, count, seed=5, report=print, writers=3, power_loss=False, ignored=None):
    """With `power_loss` what was not synced is gone at the restart; `ignored` names a path whose syncs do nothing."""
    folder, draw = pathlib.Path(folder), random.Random(seed)
    ports = free_ports(["broker", "container"])
    port = ports["broker"]
    environment, shadow = {}, folder / "shadow"
    if power_loss:
        (folder / "data").mkdir(parents=True)
        environment = {
            "LD_PRELOAD": str(build_library(folder)), "POWERLOSS_ROOT": str((folder / "data").resolve()),
            "POWERLOSS_SHADOW": str(shadow.resolve()), "POWERLOSS_IGNORE": ignored or "",
        }
        lay_shadow(folder / "data", shadow)
    box = Leat(folder, "broker", ports=ports, environment=environment)
    loads = [Writer(port, number, seed) for number in range(writers)]
    mover, feeder, reader = Mover(port), Feeder(port), Reader(port)
    try:
        box.start()
        box.wait_for_ports("broker")
        admin = AdminClient(quiet(port))
        for made in admin.create_topics([NewTopic(t, PARTITIONS) for t in [*TARGETS, SOURCE, MOVED]]).values():
            made.result(10)
        reading = threading.Event()
        read = threading.Thread(target=reader.run, args=(reading,), daemon=True)
        read.start()
        for number in range(1, count + 1):
            stop = threading.Event()
            threads = [
                threading.Thread(target=load.run, args=(stop,), daemon=True, name=getattr(load, "identity", type(load).__name__))
                for load in [*loads, mover, feeder]]
            before, moved = sum(outcomes(loads, "committed")), mover.moved
            for thread in threads:
                thread.start()
            wait_until(
                f"transactions under way (writers: {[w.errors[-1:] for w in loads]}, mover: {mover.errors[-1:]})",
                lambda: sum(outcomes(loads, "committed")) > before + 3 and mover.moved > moved, 40)
            moment = draw.uniform(0.2, 1.5)
            stop.wait(moment)
            box.kill()
            if power_loss:
                restore(box.data, shadow)
                lay_shadow(box.data, shadow)
            stop.wait(draw.uniform(0, 0.3))
            box.start()
            try:
                box.wait_for_ports("broker")
            except AssertionError as error:
                raise Unopened(str(error)) from error
            stop.wait(draw.uniform(0.3, 1.0))
            stop.set()
            for thread in threads:
                thread.join(40)
                if thread.is_alive():
                    raise Loss(f"{thread.name} did not come to an end within 40 s after the restart")
            settle(port, loads)
            total, moved = check(port, loads, reader, feeder)
            report(f"round {number}: {'power lost' if power_loss else 'killed'} after {moment:.2f} s; {total} transactions committed so far, {sum(outcomes(loads, 'aborted'))} "
                   f"aborted, {sum(outcomes(loads, 'unknown'))} unknown, {moved} records moved, {len(reader.seen)} polled: all as promised")
        reading.set()
        read.join(10)
    finally:
        if box.process and box.process.poll() is None:
            box.kill()


def outcomes(writers, outcome):
    return [sum(1 for found in writer.outcomes.values() if found == outcome) for writer in writers]


def settle(port, writers):
    """New instances end what the earlier ones may have left open, so that all is decided for readers."""
    for identity in [*(writer.identity for writer in writers), "mover"]:
        deadline = time.monotonic() + 30
        while True:
            try:
                producer = transactional(port, identity)
                producer.init_transactions(5)
                break
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
