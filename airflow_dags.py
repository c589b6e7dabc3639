"""The users pipeline's first half: fetch random users for a minute and send each to Kafka.

Needs `pip install kafka-python requests`. The addresses are environment variables, so that the file runs unchanged in the compose
file's Airflow, on a laptop beside it, and against Leat.
"""

import json
import logging
import os
import time
import uuid
from datetime import datetime

import requests
from airflow import DAG
from airflow.providers.standard.operators.python import PythonOperator
from kafka import KafkaProducer

API = os.environ.get("RANDOM_USER_API", "https://randomuser.me/api/")
BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
TOPIC = os.environ.get("USERS_TOPIC", "users_created")
SECONDS = float(os.environ.get("STREAM_SECONDS", "60"))

log = logging.getLogger(__name__)


def get_data():
    response = requests.get(API, timeout=10)
    response.raise_for_status()
    results = response.json()["results"]
    if not results:
        raise ValueError(f"{API} answered without a user")
    return results[0]


def format_data(person):
    location = person["location"]
    street = location["street"]
    return {
        "id": str(uuid.uuid4()),
        "first_name": person["name"]["first"],
        "last_name": person["name"]["last"],
        "gender": person["gender"],
        "address": f"{street['number']} {street['name']}, {location['city']}, {location['state']}, {location['country']}",
        "post_code": str(location["postcode"]),
        "email": person["email"],
        "username": person["login"]["username"],
        "dob": person["dob"]["date"],
        "registered_date": person["registered"]["date"],
        "phone": person["phone"],
        "picture": person["picture"]["medium"],
    }


def stream_data():
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP_SERVERS.split(","), max_block_ms=5000, acks="all")
    sent, failed, end = 0, 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            user = format_data(get_data())
            producer.send(TOPIC, json.dumps(user).encode("utf-8"), key=user["id"].encode("utf-8")).get(timeout=10)
            sent += 1
        except Exception as error:
            failed += 1
            log.error("An error occurred: %s", error)
        time.sleep(1)
    producer.close()
    log.info("%d users sent, %d failed", sent, failed)
    if sent == 0:
        raise RuntimeError(f"no user was sent to {TOPIC}; {failed} attempts failed")
    return sent


with DAG(
    "user_automation",
    default_args={"owner": "leat"},
    start_date=datetime(2025, 1, 1),
    schedule="@daily",
    catchup=False,
) as dag:
    PythonOperator(task_id="stream_data_from_api", python_callable=stream_data)
