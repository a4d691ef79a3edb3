"""Results on their way to Kafka, kept until the topic has them."""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from servicekit import Backoff, Health, Stop, Stopped, retry
from site_checker.inbox import Inbox
from site_checker.topics import make_topic
from sites.config import Kafka
from sites.kafka_client import NEWEST_KAFKA
from sites.result import Result, encode

log = logging.getLogger(__name__)

RECONNECT = Backoff(initial_seconds=0.5, maximum_seconds=10)
BATCH_RESULTS = 500
TIMEOUT_MS = 10_000

# By then every message was delivered or given up, so no discarded producer still
# has any: with one, it would not end.
FLUSH_SECONDS = 2 * TIMEOUT_MS / 1000

# A batch is written once, in order, on every replica, or an error says that it was not.
_PRODUCER = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "lz4",
    "linger_ms": 5,
    "request_timeout_ms": TIMEOUT_MS // 2,
    "delivery_timeout_ms": TIMEOUT_MS,
    "max_block_ms": TIMEOUT_MS,
    "api_version": NEWEST_KAFKA,
}

type Delivery = tuple[Result, Callable[[], None]]


class Outbox:
    """Sends results in order, a batch at a time, each batch until Kafka has all of it.

    A batch that is sent again after an error may be in the topic twice; readers keep
    one by the event id. How many results wait is bounded by the checker, which starts
    no checks while too many are in hand.
    """

    def __init__(self, kafka: Kafka, inbox: Inbox, health: Health) -> None:
        self._kafka = kafka
        self._inbox = inbox
        self._health = health
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._gave_up = Stop()
        self._producer: KafkaProducer | None = None
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        health.down("kafka", "not connected yet")

    def start(self, partitions: int, stop: Stop) -> None:
        """Connect, make the topic if it is missing, and begin to send.

        Raises Stopped when asked to stop while Kafka is still away, and
        SettingsError when the library cannot make sense of ``kafka.connect``.
        """
        self._retry(partial(make_topic, self._kafka, partitions), stop)
        log.info("connected to kafka topic=%s", self._kafka.topic)
        self._thread.start()

    def send(self, result: Result, then: Callable[[], None]) -> None:
        """Send the result and, once Kafka has it, have the loop call ``then``."""
        self._queue.put((result, then))

    def close(self, within_seconds: float) -> None:
        """Send what waits, and end, with or without success, within the time."""
        self._queue.put(None)
        self._thread.join(within_seconds)
        self._gave_up.set()
        self._discard_producer()

    def _run(self) -> None:
        try:
            while batch := self._take_batch():
                self._retry(partial(self._deliver, batch), self._gave_up)
                for _, then in batch:
                    self._inbox.post(then)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - a bug, raised in the loop's thread
            self._inbox.post(partial(_raise, error))

    def _take_batch(self) -> list[Delivery]:
        """Return what waits, after waiting for the first; nothing at the end."""
        batch: list[Delivery] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == BATCH_RESULTS or self._queue.empty():
                return batch
            item = self._queue.get()
        self._queue.put(None)  # the end is seen again after this batch
        return batch

    def _deliver(self, batch: list[Delivery]) -> None:
        producer = self._connected()
        try:
            sent = [self._send(producer, result) for result, _ in batch]
            producer.flush(FLUSH_SECONDS)
            for acknowledgement in sent:
                acknowledgement.get(timeout=FLUSH_SECONDS)
        except KafkaError:
            self._discard_producer()
            raise

    def _send(self, producer: KafkaProducer, result: Result) -> Any:  # noqa: ANN401 - untyped
        key = result.check_key.encode("ascii")
        return producer.send(self._kafka.topic, key=key, value=encode(result))

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(**_PRODUCER | self._kafka.connect)
        return self._producer

    def _discard_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            # It complains when it still has what could not be delivered.
            with suppress(KafkaTimeoutError):
                producer.close(timeout=0)

    def _retry(self, action: Callable[[], None], stop: Stop) -> None:
        retry(
            action,
            what="kafka",
            on=(KafkaError, OSError),
            stop=stop,
            health=self._health,
            backoff=RECONNECT,
        )


def _raise(error: Exception) -> None:
    raise error
