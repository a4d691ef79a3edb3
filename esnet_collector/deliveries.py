"""Windows on their way: a cursor moves only once the broker has the whole window."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from esnet_collector.broker import Broker
from esnet_collector.confirms import PublishFailed
from esnet_collector.messages import Message
from esnet_collector.store import Store
from esnet_collector.streams import Window
from servicekit import Stop, Stopped

# What may wait for its confirmation at once: some 10 MB.
MAX_UNCONFIRMED_MESSAGES = 20_000
# Windows whose cursors are moved in one transaction.
COMMIT_WINDOWS = 200
# How long the broker still has once the service is asked to stop.
STOP_SECONDS = 4


class Deliveries:
    """Publishes windows, many at once, and commits those that are safe."""

    def __init__(self, broker: Broker, store: Store, stop: Stop) -> None:
        self._broker = broker
        self._store = store
        self._patience = Patience(stop)
        self._waiting: deque[tuple[Window, Future[None], int]] = deque()
        self._unconfirmed = 0
        self._safe: list[Window] = []

    def add(self, window: Window, messages: Sequence[Message]) -> None:
        """Publish a window; without messages there is nothing to wait for.

        Raises PublishFailed, also for an earlier window, or Stopped.
        """
        if not messages:
            self._safe.append(window)
        else:
            outcome = self._broker.publish(messages)
            self._waiting.append((window, outcome, len(messages)))
            self._unconfirmed += len(messages)
        while self._waiting and self._must_settle():
            self._settle_first()
        if len(self._safe) >= COMMIT_WINDOWS:
            self._commit()

    def _must_settle(self) -> bool:
        _, outcome, _ = self._waiting[0]
        return outcome.done() or self._unconfirmed > MAX_UNCONFIRMED_MESSAGES

    def _settle_first(self) -> None:
        window, outcome, count = self._waiting.popleft()
        self._unconfirmed -= count
        self._patience.await_result(outcome)
        self._safe.append(window)

    def finish(self) -> None:
        """Wait for every window and commit the safe ones.

        Raises the first failure there was, once that is done.
        """
        failure: Exception | None = None
        while self._waiting:
            try:
                self._settle_first()
            except PublishFailed as error:
                failure = failure or error
            except Stopped as stopped:
                failure = stopped
                break
        self._commit()
        if failure:
            raise failure

    def _commit(self) -> None:
        safe, self._safe = self._safe, []
        if safe:
            self._store.advance(safe)


class Patience:
    """Waits for the broker as long as it takes, but not long once asked to stop."""

    def __init__(self, stop: Stop, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._clock = clock
        self._deadline: float | None = None

    def await_result(self, outcome: Future[None]) -> None:
        """Return once the outcome is good. Raises PublishFailed or Stopped."""
        while True:
            try:
                return outcome.result(timeout=0.2)
            except TimeoutError:
                self._check()

    def _check(self) -> None:
        if not self._stop.is_set():
            return
        self._deadline = self._deadline or self._clock() + STOP_SECONDS
        if self._clock() > self._deadline:
            raise Stopped("the broker has not confirmed everything")
