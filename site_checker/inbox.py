"""Threads that report to one loop: only the loop's own thread ever changes state."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial


class Inbox:
    """What other threads want done in the loop's thread, in order."""

    def __init__(self) -> None:
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def post(self, action: Callable[[], None]) -> None:
        """Have the loop call the action. For any thread."""
        self._actions.put(action)

    def run(self, wait_seconds: float) -> None:
        """Call what was posted, after waiting so long for the first. For the loop."""
        try:
            action = self._actions.get(timeout=wait_seconds)
            while True:
                action()
                action = self._actions.get_nowait()
        except queue.Empty:
            return


class Threads:
    """Runs actions in so many threads, and tells the inbox what came of each.

    They are daemons: an action that still waits for a site or a name server, which
    nothing can interrupt, does not keep the process from ending. ``free`` says how many
    of them have nothing to do.
    """

    def __init__(self, name: str, count: int, inbox: Inbox) -> None:
        self.inbox = inbox
        self.free = count
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(
                target=self._work, name=f"{name}-{number}", daemon=True
            ).start()

    def start[T](
        self, action: Callable[[], T], then: Callable[[Future[T]], None]
    ) -> Future[T]:
        """Run the action in a thread and afterwards, in the loop, ``then``."""
        future: Future[T] = Future()
        self.free -= 1
        self._actions.put(partial(self._do, action, then, future))
        return future

    def _do[T](
        self,
        action: Callable[[], T],
        then: Callable[[Future[T]], None],
        future: Future[T],
    ) -> None:
        try:
            future.set_result(action())
        except Exception as error:  # noqa: BLE001 - raised again where the future is read
            future.set_exception(error)
        self.inbox.post(partial(self._report, then, future))

    def _report[T](self, then: Callable[[Future[T]], None], future: Future[T]) -> None:
        self.free += 1
        then(future)

    def _work(self) -> None:
        while True:
            self._actions.get()()
