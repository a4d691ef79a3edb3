"""Between a thread that hears and the loop that counts: a box that cannot overflow."""

import threading
from collections import deque
from typing import NamedTuple

# What a small item takes beyond its content, so that many empty ones count too.
ITEM_BYTES = 200


class Item(NamedTuple):
    """Some bytes, and who sent them; empty where there is but one sender."""

    source: bytes
    content: bytes


class Inbox:
    """Keeps what came in until it is taken, up to so many bytes."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._items: deque[Item] = deque()
        self._size_bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def offer(self, item: Item) -> bool:
        """Keep this, unless the box is full; return whether it is kept."""
        with self._changed:
            if self._is_full():
                return False
            self._items.append(item)
            self._size_bytes += len(item.content) + ITEM_BYTES
            return True

    def wait_for_room(self) -> bool:
        """Wait until there is room; return False once nobody takes anything."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._is_full())
            return not self._closed

    def take(self) -> Item | None:
        """Return what has waited longest, if there is anything."""
        with self._changed:
            if not self._items:
                return None
            item = self._items.popleft()
            self._size_bytes -= len(item.content) + ITEM_BYTES
            self._changed.notify()
            return item

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return self._size_bytes >= self._capacity_bytes
