"""What must hold after a fault: nothing acknowledged is missing, nothing bad is lost or doubled, the last value of a key stands."""

import json
import uuid
from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from load import TOPIC, connect
from leat import wait_until

DEAD_LETTERS = TOPIC + ".dead-letter"


class Loss(AssertionError):
    """An acknowledged thing is missing, or stands twice."""


class Unopened(AssertionError):
    """A box does not start on what the fault has left."""


def read_all(port, topic):
    """Every record of a topic, as (partition, offset) to message, read to the end as it is now."""
    consumer = Consumer({
        "bootstrap.servers": f"127.0.0.1:{port}", "group.id": "checker", "enable.auto.commit": False, "log_level": 0,
        "enable.partition.eof": True,
    })
    try:
        found = consumer.list_topics(timeout=10).topics.get(topic)
        if found is None or not found.partitions:
            return {}
        partitions = sorted(found.partitions)
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        messages, ended = {}, set()
        while len(ended) < len(partitions):
            message = consumer.poll(20)
            if message is None:
                raise Loss(f"reading {topic} stalled after {len(messages)} records")
            if message.error():
                if message.error().code() == -191:  # the partition's end
                    ended.add(message.partition())
                    continue
                raise Loss(f"reading {topic}: {message.error()}")
            messages[(message.partition(), message.offset())] = message
        return messages
    finally:
        consumer.close()


def is_bad(value):
    try:
        user = json.loads(value)
        uuid.UUID(user["id"])
        return False
    except Exception:
        return True


class Checker:
    def __init__(self, records, rows):
        self.records = records
        self.rows = rows
        self.writetimes = {}

    def check(self, kafka_port, cql_port):
        topic = self.topic(kafka_port)
        cluster, session = connect(cql_port)
        try:
            self.table(session, topic)
            self.dead_letters(kafka_port, topic)
            self.acknowledged_rows(session)
        finally:
            cluster.shutdown()
        return len(topic)

    def topic(self, port):
        topic = read_all(port, TOPIC)
        for place, (key, value) in self.records.acknowledged.items():
            if place not in topic:
                raise Loss(f"the record acknowledged at {TOPIC}{list(place)} is missing")
            if topic[place].value() != value or topic[place].key() != key:
                raise Loss(f"the record acknowledged at {TOPIC}{list(place)} has other bytes")
        return topic

    def table(self, session, topic):
        """Each key's row holds the value of the key's last record, once the query has read all of the topic."""
        wanted = {}
        for (partition, offset), message in sorted(topic.items()):
            if not is_bad(message.value()):
                user = json.loads(message.value())
                wanted[user["id"]] = (user["phone"], partition, offset)
        if not wanted:
            return

        def missing():
            rows = {str(row.id): (row.phone, row.written) for row in session.execute(
                "SELECT id, phone, writetime(phone) AS written FROM spark_streams.created_users")}
            wrong = [(key, phone, rows.get(key)) for key, (phone, _, _) in wanted.items() if rows.get(key, (None,))[0] != phone]
            return (wrong, rows)

        state = {}

        def settled():
            state["wrong"], state["rows"] = missing()
            return not state["wrong"]

        try:
            wait_until("every key's last value in the table", settled, seconds=30, every=0.2)
        except AssertionError:
            wrong = state.get("wrong") or []
            raise Loss(f"{len(wrong)} of {len(wanted)} keys lack their last value, the first: {wrong[:3]}")
        extra = set(state["rows"]) - set(wanted)
        if extra:
            raise Loss(f"{len(extra)} rows are of no record, the first: {sorted(extra)[:3]}")
        for key, (phone, written) in state["rows"].items():
            before = self.writetimes.get(key)
            if before and before[0] == phone and before[1] != written:
                raise Loss(f"the row {key} was written again: its writetime was {before[1]}, and is {written}")
            self.writetimes[key] = (phone, written)

    def dead_letters(self, port, topic):
        bad = {place for place, message in topic.items() if is_bad(message.value())}

        def all_there():
            found = Counter()
            for message in read_all(port, DEAD_LETTERS).values():
                headers = dict(message.headers() or [])
                found[(int(headers["leat.partition"]), int(headers["leat.offset"]))] += 1
                if not headers.get("leat.reason"):
                    raise Loss(f"a dead letter has no reason: {headers}")
            twice = [place for place, count in found.items() if count > 1]
            if twice:
                raise Loss(f"{len(twice)} records stand twice in {DEAD_LETTERS}, the first: {twice[:3]}")
            wrong = set(found) - bad
            if wrong:
                raise Loss(f"{len(wrong)} good records stand in {DEAD_LETTERS}, the first: {sorted(wrong)[:3]}")
            return bad <= set(found)

        if bad:
            wait_until(f"{len(bad)} bad records in {DEAD_LETTERS}", all_there, seconds=30, every=0.2)

    def acknowledged_rows(self, session):
        if not self.rows.acknowledged:
            return
        found = {row.id: row.value for row in session.execute("SELECT id, value FROM faults.rows")}
        missing = [key for key, value in self.rows.acknowledged.items() if found.get(key) != value]
        if missing:
            raise Loss(f"{len(missing)} acknowledged rows of faults.rows are missing, the first: {missing[:3]}")


def topics(port):
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0}).list_topics(timeout=5).topics
