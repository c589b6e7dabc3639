"""What goes wrong is said: the thing, the place, the next step; and one bad connection harms no other."""

import socket

import pytest
import requests
from confluent_kafka.admin import AdminClient

from leat import Leat, answers, free_ports, run


def test_an_unknown_key_names_file_line_and_the_nearest_known_key(tmp_path):
    (tmp_path / "leat.yaml").write_text("broker:\n  port: 9092\n  prot: 1\n")
    answer = run("config", cwd=tmp_path)
    assert answer.returncode != 0
    assert "leat.yaml:3" in answer.stderr and "broker.prot" in answer.stderr and "broker.port" in answer.stderr


def test_a_wrong_value_names_what_is_wanted(tmp_path):
    answer = run("config", "--broker.port", "ninety", cwd=tmp_path)
    assert answer.returncode != 0 and "broker.port" in answer.stderr and "whole number" in answer.stderr


def test_every_setting_is_shown_with_its_origin(tmp_path):
    answer = run("config", "--json", "--broker.port", "19092", cwd=tmp_path, environment={"LEAT_STORE_PORT": "19042"})
    import json

    settings = json.loads(answer.stdout)
    assert settings["broker.port"]["value"] == "19092" and "flag" in settings["broker.port"]["origin"]
    assert settings["store.port"]["value"] == "19042" and "LEAT_STORE_PORT" in settings["store.port"]["origin"]
    assert settings["console.port"]["origin"] == "default"


@pytest.mark.parametrize("box,setting", [
    ("broker", "broker.port"), ("store", "store.port"), ("api", "api.port"), ("registry", "registry.port"), ("engine", "engine.port"),
    ("scheduler", "scheduler.port"), ("console", "console.port"), ("zookeeper", "zookeeper.port")])
def test_a_taken_port_names_the_port_the_box_and_the_setting(tmp_path, box, setting):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        leat = Leat(tmp_path, box, ports={**free_ports(["container"]), box: port})
        with leat:
            assert leat.process.wait(20) != 0
        assert str(port) in leat.stderr() and setting in leat.stderr(), leat.stderr()


@pytest.mark.parametrize("box", ["broker", "store", "engine", "scheduler"])
def test_a_folder_in_use_or_of_a_newer_version_is_refused(tmp_path, box):
    first = Leat(tmp_path, box)
    with first:
        first.wait_for_ports(box)
        second = Leat(tmp_path / "second", box, settings={"data": first.data})
        with second:
            assert second.process.wait(20) != 0
        assert "in use" in second.stderr() and str(first.data) in second.stderr()
        first.stop()
    (first.data / box / "leat.version").write_text("999\n")
    newer = Leat(tmp_path / "third", box, settings={"data": first.data})
    with newer:
        assert newer.process.wait(20) != 0
    assert "newer" in newer.stderr()


@pytest.mark.parametrize("box", ["broker", "container", "store", "zookeeper", "engine", "registry", "scheduler", "console", "api"])
@pytest.mark.parametrize("bytes_", [b"\xff" * 64, b"\x00\x00\x00\x08\x7f\xff\x7f\xff\x00\x00\x00\x01", b"\x84\x00\x00\x00\x07\xff\xff\xff\xff"])
def test_a_malformed_frame_closes_its_connection_and_harms_no_other(stack, box, bytes_):
    with socket.create_connection(("127.0.0.1", stack.ports[box]), timeout=10) as bad:
        bad.sendall(bytes_)
        bad.shutdown(socket.SHUT_WR)
        bad.settimeout(10)
        try:
            while bad.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert stack.process.poll() is None and answers(stack.ports[box])
    assert AdminClient({"bootstrap.servers": stack.address("broker")}).list_topics(timeout=10).topics
    assert requests.get(stack.url("registry") + "/subjects", timeout=10).status_code == 200


@pytest.mark.parametrize("box", ["broker", "store", "zookeeper"])
def test_a_browser_is_told_what_lives_at_a_port(stack, box):
    with socket.create_connection(("127.0.0.1", stack.ports[box]), timeout=10) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while piece := browser.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400") and b"Leat" in answer
