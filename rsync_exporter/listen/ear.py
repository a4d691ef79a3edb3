"""A thread that waits for a descriptor: what comes in never waits for a poll."""

import os
import selectors
import threading
from collections.abc import Callable


class Ear:
    """Calls ``hear`` in a thread of its own whenever there is something to be read.

    hear: reads it; returns False when nothing will ever follow.
    """

    def __init__(self, name: str, descriptor: int, hear: Callable[[], bool]) -> None:
        self._descriptor = descriptor
        self._hear = hear
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._listen, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; the descriptor stays open."""
        os.write(self._wake, b"!")
        self._thread.join()
        os.close(self._wake)
        os.close(self._woken)

    def _listen(self) -> None:
        # Not epoll, which refuses regular files: a log may be redirected to us.
        with selectors.PollSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._descriptor, selectors.EVENT_READ)
            while self._is_heard(selector.select()) and self._hear():
                pass

    def _is_heard(self, ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
        return all(key.fd != self._woken for key, _ in ready)
