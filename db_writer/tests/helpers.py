"""What the tests of the writer send, start and ask."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.consumer.fetcher import ConsumerRecord

from sites.result import Reason, Result

KAFKA = "kafka:9092"
PARTITIONS = 4
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def result(number: int = 0, **fields: object) -> Result:
    """Return a good result of one of ten checks; each number is another event."""
    due = NOON + timedelta(seconds=10 * number)
    standard = {
        "url": f"https://site{number % 10}.example/",
        "expected_code": 200,
        "regexp": "",
        "scheduled_at": due,
        "created": due + timedelta(seconds=0.5),
        "reason": Reason.OK,
        "response_code": 200,
        "response_length": 1234,
        "response_time": 0.25,
    }
    return Result.model_validate(standard | fields)


def record(
    value: bytes | None, key: bytes | None = None, offset: int = 0
) -> ConsumerRecord:
    """Return a message as Kafka's client gives it to a reader."""
    fields = dict.fromkeys(ConsumerRecord._fields)
    fields |= {"topic": "site_checks", "partition": 2, "offset": offset}
    return ConsumerRecord(**(fields | {"key": key, "value": value}))


def eventually[T](ask: Callable[[], T], seconds: float = 30) -> T:
    """Return the first answer that is true, asking again and again until then."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
    return answer


@dataclass(frozen=True)
class Topic:
    """A new topic, and the topic of its bad messages."""

    name: str
    servers: str = KAFKA

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dead-letters"

    def make(self) -> None:
        """Make the topic."""
        admin = KafkaAdminClient(bootstrap_servers=self.servers)
        admin.create_topics([NewTopic(self.name, PARTITIONS, 1)])
        admin.close()

    def remove(self) -> None:
        """Remove both topics."""
        admin = KafkaAdminClient(bootstrap_servers=self.servers)
        existing = set(admin.list_topics())
        admin.delete_topics(sorted({self.name, self.dead_letters} & existing))
        admin.close()

    def send(self, *messages: bytes) -> None:
        """Send the messages, spread over the partitions in turn."""
        producer = KafkaProducer(
            bootstrap_servers=self.servers, linger_ms=20, batch_size=2**18, acks="all"
        )
        for number, message in enumerate(messages):
            key = f"key {number}".encode()
            place = number % PARTITIONS
            producer.send(self.name, key=key, value=message, partition=place)
        producer.flush()
        producer.close()

    def letters(self) -> list[tuple[bytes, dict[str, str]]]:
        """Return the bad messages set aside so far, each with its headers."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers, auto_offset_reset="earliest"
        )
        try:
            found = consumer.partitions_for_topic(self.dead_letters)
            places = [TopicPartition(self.dead_letters, number) for number in found]
            if not places:
                return []
            ends = consumer.end_offsets(places)
            consumer.assign(places)
            letters: list[tuple[bytes, dict[str, str]]] = []
            while any(consumer.position(place) < ends[place] for place in places):
                for records in consumer.poll(timeout_ms=200).values():
                    letters += [(one.value, _text(one.headers)) for one in records]
            return letters
        finally:
            consumer.close()

    def waiting(self, group: str) -> int:
        """Return how many messages the group has not committed yet."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers, group_id=group, enable_auto_commit=False
        )
        try:
            places = [TopicPartition(self.name, number) for number in range(PARTITIONS)]
            ends = consumer.end_offsets(places)
            return sum(
                ends[place] - (consumer.committed(place) or 0) for place in places
            )
        finally:
            consumer.close()


def _text(headers: list[tuple[str, bytes]]) -> dict[str, str]:
    return {name: value.decode() for name, value in headers}


def write_config(file: Path, topic: Topic) -> Path:
    """Write the configuration of a writer for the topic, and return the file."""
    connect = f"{{bootstrap_servers: '{topic.servers}'}}"
    file.write_text(
        f"kafka: {{connect: {connect}, topic: {topic.name}}}\n"
        "checks: [{url: https://site0.example/}]\n"
    )
    return file


class Program:
    """A db_writer as a process of its own."""

    _COMMAND = (sys.executable, "-m", "db_writer")

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        with socket.create_server(("", 0)) as free:
            self._port = free.getsockname()[1]
        self._log_path = folder / f"{uuid4().hex}.log"
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self._COMMAND,
                env={**self._environment, "METRICS_PORT": str(self._port)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def problems(self) -> dict[str, str]:
        """Return what /healthz tells; a program that does not answer has a problem."""
        try:
            health = json.loads(self._get("/healthz"))
        except urllib.error.HTTPError as error:
            with error:
                health = json.loads(error.read())
        except OSError as error:
            return {"program": str(error)}
        return dict(health["problems"])

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric."""
        told = ",".join(f'{label}="{value}"' for label, value in labels.items())
        series = re.escape(f"{name}{{{told}}}" if labels else name)
        [value] = re.findall(rf"^{series} (\S+)$", self._get("/metrics"), re.MULTILINE)
        return float(value)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another one with the same settings and these arguments to its end."""
        return subprocess.run(
            [*self._COMMAND, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def stop(self) -> int:
        """End it as Docker does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(10)

    def _get(self, path: str) -> str:
        url = f"http://127.0.0.1:{self._port}{path}"
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read(), "utf-8")
