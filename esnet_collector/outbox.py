"""The outbox: batches on their way to the broker, and what becomes of them."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from esnet_collector.confirms import Batch, Fate, InFlight, PublishFailed, Sent
from esnet_collector.messages import Message
from esnet_collector.metrics import Metrics

MAX_IN_FLIGHT = 1000


class Outbox:
    """Hands messages out in order, a bounded number unconfirmed at any time.

    Any thread may ``add``; the rest belongs to the thread that owns the connection.
    """

    def __init__(self, exchange: str, metrics: Metrics) -> None:
        self._exchange = exchange
        self._metrics = metrics
        self._lock = threading.Lock()
        self._waiting: deque[Sent] = deque()
        self._in_flight = InFlight()
        self._ended: PublishFailed | None = None
        self._progress_at = time.monotonic()

    def add(self, messages: Sequence[Message]) -> Future[None]:
        """Queue a batch; the result tells when all of it is safe, or why it is not.

        Raises PublishFailed when the outbox has ended.
        """
        batch = Batch(messages)
        with self._lock:
            if self._ended:
                raise self._ended
            self._waiting.extend(Sent(message, batch) for message in messages)
        return batch.outcome

    def take(self) -> Iterator[Message]:
        """Yield the messages to send now; each counts as in flight from here on."""
        if not self._in_flight:
            self._progress_at = time.monotonic()
        for sent in self._next(MAX_IN_FLIGHT - len(self._in_flight)):
            self._in_flight.add(sent)
            yield sent.message

    def _next(self, room: int) -> list[Sent]:
        with self._lock:
            count = min(room, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def returned(self, message_id: str) -> None:
        """Note that a message could not be routed."""
        self._in_flight.returned(message_id)

    def settle(self, tag: int, *, multiple: bool, acknowledged: bool) -> None:
        """Note the broker's confirmation, or refusal, of one message or of several."""
        self._progress_at = time.monotonic()
        settled = self._in_flight.settle(
            tag, multiple=multiple, acknowledged=acknowledged
        )
        for sent, fate in settled:
            self._metrics.messages.labels(sent.message.key, fate).inc()
            if fate is Fate.ACKNOWLEDGED:
                sent.batch.confirm()
            else:
                sent.batch.fail(PublishFailed(self._reason(fate, sent.message.key)))

    def _reason(self, fate: Fate, key: str) -> str:
        if fate is Fate.RETURNED:
            return f"rabbitmq: no queue is bound to {self._exchange} with key {key}"
        return f"rabbitmq: a message with key {key} was refused"

    def overdue_seconds(self) -> float:
        """Return how long the broker has owed a confirmation; 0 when it owes none."""
        return time.monotonic() - self._progress_at if self._in_flight else 0.0

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be added any more."""
        return self._ended is not None

    def end(self, error: PublishFailed) -> None:
        """Fail everything that is not safe yet, and whatever is added from now on."""
        with self._lock:
            self._ended = self._ended or error
            waiting, self._waiting = self._waiting, deque()
        for sent in self._in_flight.abandon():
            self._metrics.messages.labels(sent.message.key, "unconfirmed").inc()
            sent.batch.fail(error)
        for sent in waiting:
            sent.batch.fail(error)
