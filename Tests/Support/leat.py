"""Starts the binary under test in a temporary folder, on ports of its own, and waits for conditions with a deadline."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build/release/leat"

# Box to the setting of its port; the broker has a second listener.
PORTS = {
    "api": "api.port",
    "broker": "broker.port",
    "container": "broker.container.port",
    "registry": "registry.port",
    "store": "store.port",
    "engine": "engine.port",
    "scheduler": "scheduler.port",
    "console": "console.port",
    "zookeeper": "zookeeper.port",
}


def free_ports(names):
    """A free port for each name; held open together while they are picked, so that no two are the same."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets)}


def wait_until(what, condition, seconds=30, every=0.02):
    """Returns the condition's first true value; the last exception or value is in the message when the deadline passes."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown when time is up
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} has not come about within {seconds} s; last seen: {last!r}")
        time.sleep(every)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Leat:
    """One process of `leat`, with its ports, its data folder and what it printed."""

    def __init__(self, folder, *arguments, ports=None, settings=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = ports or free_ports(PORTS)
        self.data = self.folder / "data"
        self.arguments = list(arguments)
        self.settings = {PORTS[name]: port for name, port in self.ports.items() if name in PORTS}
        self.settings["data"] = self.data
        self.settings.update(settings or {})
        self.environment = environment or {}
        self.process = None
        self.lines = []
        self.errors = self.folder / f"stderr-{'-'.join(arguments[:1])}.txt"

    def start(self):
        flags = [f"--{key}={value}" for key, value in self.settings.items()]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LEAT_")}
        environment.update(self.environment)
        self.process = subprocess.Popen(
            [BINARY, *self.arguments, *flags],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(self.errors, "ab"),
            text=True,
        )
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        return self

    def _read(self, stream):
        for line in stream:
            self.lines.append(line)

    def wait_for_ports(self, *names, seconds=20):
        for name in names or self.ports:
            wait_until(f"{name} at {self.ports[name]} (stderr: {self.stderr()[-2000:]})", lambda n=name: self._answers(n), seconds)
        return self

    def _answers(self, name):
        if self.process.poll() is not None:
            raise RuntimeError(f"leat ended with {self.process.returncode}: {self.stderr()[-2000:]}")
        return answers(self.ports[name])

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name):
        return f"http://{self.address(name)}"

    def stderr(self):
        return self.errors.read_text(errors="replace") if self.errors.exists() else ""

    def statuses(self):
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def kill(self):
        """kill -9, and the end of it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"leat did not stop within {seconds} s; stderr: {self.stderr()[-2000:]}")
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()


def run(*arguments, data=None, timeout=60, environment=None, cwd=None):
    """One command of `leat`, to its end."""
    return subprocess.run(
        [BINARY, *map(str, arguments)], input=data, capture_output=True, text=True, timeout=timeout, cwd=cwd,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("LEAT_")}, **(environment or {})},
    )
