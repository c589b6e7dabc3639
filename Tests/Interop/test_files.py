"""The mission's own files at the repository's root do what they say."""

import importlib.util
import os
import subprocess

import pytest
import requests
from confluent_kafka.admin import AdminClient

from leat import ROOT, run


def test_the_compose_file_is_valid_and_every_service_is_checked_and_bounded():
    import yaml

    subprocess.run(["docker-compose", "-f", ROOT / "docker-compose.yml", "config", "-q"], check=True, timeout=60)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = {port.split(":")[0] for service in services.values() for port in service.get("ports", [])}
    assert {"2181", "9092", "8081", "9021", "8080", "9042"} <= ports
    for name, service in services.items():
        assert "healthcheck" in service and "mem_limit" in service, name
        assert ":" in service["image"] and not service["image"].endswith(":latest"), name


def test_the_compose_files_spark_can_run_the_script():
    import re

    import yaml

    text = (ROOT / "docker-compose.yml").read_text()
    whole = subprocess.run(
        ["docker-compose", "-f", ROOT / "docker-compose.yml", "config"], capture_output=True, text=True, check=True, timeout=60).stdout
    services = yaml.safe_load(whole)["services"]
    line = re.search(r"docker compose exec (\S+) bash -c '(.*)'", text)
    host, command = services[line[1]], line[2]
    script = command.split()[-1]
    assert any(script in (mount["target"] if isinstance(mount, dict) else mount) for mount in host["volumes"]), "it is not where it is submitted"
    broker = services["broker"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    for service in (host, services["spark-worker"]):
        assert service["environment"]["CASSANDRA_HOST"] in services
        assert service["environment"]["KAFKA_BOOTSTRAP_SERVERS"] in broker
    # The line, the script and its own words name the same packages.
    packages = re.search(r"--packages (\S+)", command)[1]
    assert (ROOT / "pyspark_stream.py").read_text().count(packages) == 2
    assert "cassandra-driver" in command, "the image has no driver of its own"


def test_the_spark_script_runs_without_the_cassandra_driver(tmp_path):
    (tmp_path / "cassandra").mkdir()
    (tmp_path / "cassandra" / "__init__.py").write_text("raise ImportError('not installed')")
    answer = subprocess.run(
        ["python3", "-c", "import pyspark_stream; assert pyspark_stream.Cluster is None"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_the_profile_real_names_the_compose_files_addresses():
    import json

    answer = run("config", "--profile", "real", "--json", cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    settings = json.loads(answer.stdout)
    assert settings["broker.use"]["value"] == "localhost:9092" and settings["store.use"]["value"] == "localhost:9042"


@pytest.mark.timeout(300)
def test_a_real_airflow_runs_the_dag_into_the_broker(stack, tmp_path):
    airflow = ROOT / ".build/venv-airflow/bin/airflow"
    environment = {
        **os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "PATH": f"{airflow.parent}:{os.environ['PATH']}",
        "RANDOM_USER_API": stack.url("api") + "/api/", "KAFKA_BOOTSTRAP_SERVERS": stack.address("broker"), "USERS_TOPIC": "from_airflow",
        "STREAM_SECONDS": "3",
    }
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "airflow_dags.py").write_text((ROOT / "airflow_dags.py").read_text())
    for command in (["db", "migrate"], ["dags", "test", "user_automation"]):
        answer = subprocess.run([airflow, *command], env=environment, capture_output=True, text=True, timeout=280)
        assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert "from_airflow" in AdminClient({"bootstrap.servers": stack.address("broker")}).list_topics(timeout=10).topics


def test_the_spark_scripts_tables_are_made(stack, cassandra):
    specification = importlib.util.spec_from_file_location("pyspark_stream", ROOT / "pyspark_stream.py")
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    script.CASSANDRA_PORT = stack.ports["store"]
    session = script.create_cassandra_connection()
    try:
        script.create_keyspace(session)
        script.create_table(session)
        columns = cassandra.execute(
            "SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'spark_streams' AND table_name = 'created_users'")
        assert len(list(columns)) == 12
    finally:
        session.cluster.shutdown()


def test_curl_and_requests_get_users_in_the_originals_form(stack):
    address = stack.url("api") + "/api/?results=5&seed=leat&nat=fr,ua"
    by_curl = subprocess.run(["curl", "-fsS", address], capture_output=True, check=True, timeout=30).stdout
    answer = requests.get(address, timeout=10)
    assert answer.json() == __import__("json").loads(by_curl), "the same seed gives the same users"
    user = answer.json()["results"][0]
    assert {"gender", "name", "location", "email", "login", "dob", "registered", "phone", "cell", "id", "picture", "nat"} == set(user)
    assert answer.json()["info"]["version"] == "1.4" and len(answer.json()["results"]) == 5
