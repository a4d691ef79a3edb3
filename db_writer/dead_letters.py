"""Bad messages set aside in a topic of their own, with what was wrong with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from kafka import KafkaProducer

from db_writer.messages import MAX_MESSAGE_BYTES, Rejected
from sites.config import Kafka
from sites.kafka_client import NEWEST_KAFKA

_TIMEOUT_SECONDS = 10

_PRODUCER = {
    "api_version": NEWEST_KAFKA,
    "acks": "all",
    "linger_ms": 20,
    "max_block_ms": _TIMEOUT_SECONDS * 1000,
    "delivery_timeout_ms": _TIMEOUT_SECONDS * 1000,
    "request_timeout_ms": _TIMEOUT_SECONDS * 500,
}

# A broker takes 1 MiB by default, key and headers included: with more, the letter
# itself could be refused, and would be in the way for ever.
_MAX_KEY_BYTES = 1024
_MAX_ERROR_CHARACTERS = 2000


class Letter(TypedDict):
    """What is sent: the message, cut where it is too long, and headers about it."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def letter(rejected: Rejected, now: datetime) -> Letter:
    """Return the letter about a bad message."""
    record = rejected.record
    value = record.value or b""
    about = {
        "fault": rejected.fault,
        "error": rejected.error[:_MAX_ERROR_CHARACTERS],
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "bytes": str(len(value)),
        "time": now.isoformat(),
    }
    return {
        "key": record.key and record.key[:_MAX_KEY_BYTES],
        "value": value[:MAX_MESSAGE_BYTES],
        "headers": [
            (name, text.encode(errors="replace")) for name, text in about.items()
        ],
    }


class DeadLetters:
    """The topic of bad messages, connected to when there is the first one."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._connect = kafka.connect
        self._topic = topic
        self._producer: KafkaProducer | None = None

    def send(self, bad: Sequence[Rejected], now: datetime) -> None:
        """Return once Kafka has stored them all. Raises KafkaError when it has not.

        They are sent again when the writer ends before it committed their offsets.
        """
        if not bad:
            return
        if self._producer is None:
            self._producer = self._connected()
        sent = [self._producer.send(self._topic, **letter(one, now)) for one in bad]
        for future in sent:
            future.get(timeout=_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._producer is not None:
            self._producer.close(timeout=_TIMEOUT_SECONDS)

    def _connected(self) -> KafkaProducer:
        return KafkaProducer(**_PRODUCER | self._connect)
