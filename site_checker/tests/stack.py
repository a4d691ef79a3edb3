"""What the integration tests stand on: programs, topics, and a way to Redis."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

KAFKA = "kafka:9092"
REDIS = ("redis", 6379)


def eventually[T](look: Callable[[], T], within_seconds: float = 20) -> T:
    """Return what ``look`` finds as soon as it is true; fail when it never is."""
    deadline = time.monotonic() + within_seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"never came true: {look}"
        time.sleep(0.05)
    return found


class Topic:
    """The messages of a topic of the test's own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """Return every message so far: its key, and its value as an object."""
        consumer = KafkaConsumer(bootstrap_servers=KAFKA, enable_auto_commit=False)
        numbers = consumer.partitions_for_topic(self.name) or set()
        partitions = [TopicPartition(self.name, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(p) < ends[p] for p in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                found += [(r.key.decode(), json.loads(r.value)) for r in records]
        consumer.close()
        return found

    def partitions(self) -> int:
        """Return how many partitions the topic has."""
        consumer = KafkaConsumer(bootstrap_servers=KAFKA)
        try:
            return len(consumer.partitions_for_topic(self.name))
        finally:
            consumer.close()

    def delete(self) -> None:
        """Remove the topic."""
        admin = KafkaAdminClient(bootstrap_servers=KAFKA)
        admin.delete_topics([self.name], raise_errors=False)
        admin.close()


class Gate:
    """A way to Redis that can be shut, without a word to those who wait."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._open.set()
        self._ends: list[socket.socket] = []
        self.uri = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Let nothing pass."""
        self._open.clear()

    def open(self) -> None:
        """Let everything pass, on new connections."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(REDIS)
                self._ends += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                target.sendall(data)
        for end in (source, target):
            end.close()


class Program:
    """A running site_checker."""

    def __init__(self, config: Path, *arguments: str, **environment: str) -> None:
        self.port = _free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "site_checker", "-c", str(config), *arguments],
            env=os.environ | {"METRICS_PORT": str(self.port)} | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            self.log += iter(lines.readline, "")

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value now; 0 while the program does not answer yet."""
        try:
            text = self._get("/metrics")
        except OSError:
            return 0
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        raise AssertionError(f"no metric {name}{labels}")

    def has(self, name: str, more_than: float = 0, **labels: str) -> None:
        """Wait until a metric's value is larger."""
        eventually(lambda: self.metric(name, **labels) > more_than)

    def problems(self) -> Mapping[str, str]:
        """Return what ``/healthz`` complains of."""
        try:
            body = self._get("/healthz")
        except urllib.error.HTTPError as error:
            body = error.read().decode()
        except OSError:
            return {"web": "does not answer"}
        problems: Mapping[str, str] = json.loads(body)["problems"]
        return problems

    def _get(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=5) as response:
            text: str = response.read().decode()
        return text

    def wait(self, within_seconds: float = 30) -> int:
        """Return the exit code once the program has ended."""
        return self._process.wait(within_seconds)

    def stop(self) -> int:
        """Ask the program to end, and return its exit code."""
        self._process.terminate()
        return self.wait(10)

    def kill(self) -> None:
        """End the program with no chance to do anything about it."""
        self._process.kill()
        self._process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
