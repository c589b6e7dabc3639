"""Producers and writers outside the boxes, which remember exactly what was acknowledged."""

import json
import random
import threading
import uuid

from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT
from cassandra.policies import WhiteListRoundRobinPolicy
from confluent_kafka import Producer

TOPIC = "users_created"
BAD = ["this is not JSON #{n}", '{{"first_name": "has no key", "phone": "{n}"}}', '{{"id": "no uuid", "phone": "{n}"}}', '{{"id": {{"n": {n}}}}}']


def connect(port):
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy(["127.0.0.1"]), request_timeout=20)
    cluster = Cluster(["127.0.0.1"], port=port, execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=10)
    return cluster, cluster.connect()


class Records:
    """Sends users to the topic until told to stop; `acknowledged` maps (partition, offset) to (key, value)."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.sent = 0
        self.acknowledged = {}
        self.keys = []

    def run(self, port, stop, rate=2_000):
        producer = Producer({
            "bootstrap.servers": f"127.0.0.1:{port}", "acks": "all", "enable.idempotence": True, "linger.ms": 1,
            "message.timeout.ms": 4_000, "socket.timeout.ms": 2_000, "log_level": 0,
        })
        while not stop.is_set():
            for _ in range(max(1, rate // 100)):
                key, value = self.next()
                try:
                    producer.produce(TOPIC, value, key=key, on_delivery=self.delivered(key, value))
                except BufferError:
                    break
            producer.poll(0)
            stop.wait(0.01)
        producer.flush(2)

    def delivered(self, key, value):
        def report(error, message):
            if error is None:
                self.acknowledged[(message.partition(), message.offset())] = (key, value)
        return report

    def next(self):
        self.sent += 1
        draw = self.random.random()
        if draw < 0.01:
            return None, self.random.choice(BAD).format(n=self.sent).encode()
        if draw < 0.15 and self.keys:
            key = self.random.choice(self.keys[-500:])
        else:
            key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            self.keys.append(key)
        user = {"id": key, "first_name": "Ada", "last_name": "Lovelace", "gender": "female", "phone": str(self.sent)}
        return key.encode(), json.dumps(user).encode()


class Rows:
    """Inserts rows by prepared statements until told to stop; `acknowledged` maps the key to the value."""

    def __init__(self):
        self.next = 0
        self.acknowledged = {}
        self.last_error = None

    def run(self, port, stop):
        try:
            cluster, session = connect(port)
        except Exception as error:  # noqa: BLE001 - the box may be gone by now; the round looks whether rows came
            self.last_error = error
            return
        try:
            session.execute("CREATE KEYSPACE IF NOT EXISTS faults WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
            session.execute("CREATE TABLE IF NOT EXISTS faults.rows (id bigint PRIMARY KEY, value text)")
            insert = session.prepare("INSERT INTO faults.rows (id, value) VALUES (?, ?)")
            while not stop.is_set():
                batch = [(self.next + i, f"value {self.next + i}") for i in range(32)]
                self.next += 32
                for (key, value), future in [(row, session.execute_async(insert, row)) for row in batch]:
                    future.result()
                    self.acknowledged[key] = value
        except Exception as error:  # noqa: BLE001 - a kill ends the load this way
            self.last_error = error
        finally:
            threading.Thread(target=cluster.shutdown, daemon=True).start()
