"""kill -9 of the engine while a query writes from topic to topic: readers of committed records must see the input, once."""

import collections
import pathlib
import random
import subprocess
import sys
import threading
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from checker import Loss
from leat import Leat, free_ports, wait_until

PARTITIONS = 3
SOURCE, TARGET = "fed", "written"


class Feed:
    """Writes numbered records for as long as it is let."""

    def __init__(self, port):
        self.producer = Producer({"bootstrap.servers": f"127.0.0.1:{port}", "enable.idempotence": True, "linger.ms": 2, "log_level": 0})
        self.count = 0

    def run(self, stop):
        while not stop.is_set():
            for _ in range(20):
                self.producer.produce(SOURCE, f"{self.count:08d}", key=str(self.count % 97))
                self.count += 1
            self.producer.poll(0)
            stop.wait(0.01)
        if self.producer.flush(20):
            raise Loss("the broker did not take what was fed")


# Run apart: a session whose server is killed keeps its interpreter from ending while it tries to take its leave.
SCRIPT = """
import os, sys
from pyspark.sql import SparkSession
engine, broker, checkpoint, once = sys.argv[1:]
spark = SparkSession.builder.remote(f"sc://127.0.0.1:{engine}").getOrCreate()
stream = (
    spark.readStream.format("kafka").option("kafka.bootstrap.servers", f"127.0.0.1:{broker}").option("subscribe", "fed")
    .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", 200).load()
)
query = (
    stream.selectExpr("key", "concat(cast(value AS string), '!') AS value").writeStream.format("kafka")
    .option("kafka.bootstrap.servers", f"127.0.0.1:{broker}").option("topic", "written").option("leat.exactly.once", once)
    .option("checkpointLocation", checkpoint).start()
)
print(query.id, flush=True)
os._exit(0)
"""


def start_query(ports, checkpoint, exactly_once):
    arguments = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(ports["engine"]), str(ports["broker"]), str(checkpoint), str(exactly_once).lower()]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Loss(f"the query did not start: {done.stderr[-2000:]}")


def committed(port):
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": uuid.uuid4().hex, "isolation.level": "read_committed", "enable.partition.eof": True})
    consumer.assign([TopicPartition(TARGET, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
    found, ended = collections.Counter(), 0
    while ended < PARTITIONS:
        message = consumer.poll(20)
        if message is None:
            raise Loss("the broker does not hand out the topic to its end")
        if message.error():
            ended += 1
        else:
            found[message.value().decode()] += 1
    consumer.close()
    return found


def rounds(folder, count, seed=1, report=print, exactly_once=True):
    folder, draw = pathlib.Path(folder), random.Random(seed)
    ports = free_ports(["broker", "container", "engine"])
    broker = Leat(folder / "broker", "broker", ports={name: ports[name] for name in ("broker", "container")})
    settings = {"engine.kafka.bootstrap": f"127.0.0.1:{ports['broker']}"}
    engine = Leat(folder / "engine", "engine", ports={"engine": ports["engine"]}, settings=settings)
    try:
        broker.start().wait_for_ports("broker")
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{ports['broker']}"})
        for future in admin.create_topics([NewTopic(SOURCE, PARTITIONS, 1), NewTopic(TARGET, PARTITIONS, 1)]).values():
            future.result(20)
        feed = Feed(ports["broker"])
        for number in range(1, count + 1):
            stop = threading.Event()
            feeder = threading.Thread(target=feed.run, args=(stop,), daemon=True)
            engine.start().wait_for_ports("engine")
            feeder.start()
            start_query(ports, folder / "checkpoint", exactly_once)
            moment = draw.uniform(0.05, 1.2)
            stop.wait(moment)
            engine.kill()
            stop.set()
            feeder.join(30)
            report(f"round {number}: the engine was killed {moment:.2f} s into its query; {feed.count} records fed so far")
        engine.start().wait_for_ports("engine")
        start_query(ports, folder / "checkpoint", exactly_once)
        found = collections.Counter()

        def is_whole():
            nonlocal found
            found = committed(ports["broker"])
            return len(found) >= feed.count

        try:
            wait_until("all of the input in the output", is_whole, 90, every=0.5)
        except AssertionError as error:
            raise Loss(f"{len(found)} of {feed.count} records are in the output: {error}") from error
        engine.stop()
        found = committed(ports["broker"])
        twice = [value for value, times in found.items() if times > 1]
        if twice:
            raise Loss(f"{len(twice)} records are in the output more than once, {twice[:5]} among them")
        if set(found) != {f"{n:08d}!" for n in range(feed.count)}:
            raise Loss("the output holds what was not fed")
        report(f"all {feed.count} records are in the output once, after {count} kills")
    finally:
        for box in (engine, broker):
            if box.process and box.process.poll() is None:
                box.kill()
