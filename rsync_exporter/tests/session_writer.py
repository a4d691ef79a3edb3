"""A program that logs sessions as a busy rsyncd does, and tells what it has logged.

    python session_writer.py LOG MODULE FIRST_PID SECONDS SESSION_SECONDS [LOCK]

Every session opens the log itself, as rsyncd's do, and so goes on writing to the file
that was there when it began. With LOCK, sessions begin and end while it is held: then
whoever holds it finds a log that nobody writes to.
"""

import fcntl
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LINES_PER_SECOND = 5000
BATCH_SECONDS = 0.05


class Sessions:
    """Sessions in progress: each writes a line whenever it is its turn."""

    def __init__(self, log: Path, module: str, first_pid: int) -> None:
        self.told = dict.fromkeys(("lines", "sessions", "sent", "received", "size"), 0)
        self._log = log
        self._module = module
        self._first_pid = first_pid
        self._chance = random.Random(module)
        self._open: list[Iterator[None]] = []

    def write_one(self, most: int) -> None:
        """Write one line of any session, or begin another one."""
        if len(self._open) < most:
            self._open.append(self._session())
        place = self._chance.randrange(len(self._open))
        if next(self._open[place], self) is self:
            del self._open[place]

    def end(self) -> None:
        """Let every session write all its lines."""
        while self._open:
            for _ in self._open.pop():
                pass

    def _session(self) -> Iterator[None]:
        pid = self._first_pid + self.told["sessions"]
        self.told["sessions"] += 1
        sent, received = self._chance.randrange(10**6), self._chance.randrange(10**4)
        size = self._chance.randrange(10**8)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._log, flags, 0o644)
        try:
            for message in (
                f"connect from UNDETERMINED (192.0.2.{pid % 250})",
                f"rsync allowed access on module {self._module} from UNDETERMINED"
                f" (192.0.2.{pid % 250})",
                f"rsync on {self._module}/a b from UNDETERMINED (192.0.2.{pid % 250})",
                "building file list",
                f"sent {sent} bytes  received {received} bytes  total size {size}",
            ):
                stamp = time.strftime("%Y/%m/%d %H:%M:%S")
                os.write(descriptor, f"{stamp} [{pid}] {message}\n".encode())
                self.told["lines"] += 1
                yield
        finally:
            os.close(descriptor)
        self.told["sent"] += sent
        self.told["received"] += received
        self.told["size"] += size


@contextmanager
def held(lock: Path | None) -> Iterator[None]:
    """Hold the lock, if there is one."""
    if lock is None:
        yield
        return
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    log, module, first_pid, seconds, session_seconds, *lock = sys.argv[1:]
    sessions = Sessions(Path(log), module, int(first_pid))
    most = max(1, int(LINES_PER_SECOND / 5 * float(session_seconds)))
    started = time.monotonic()
    while (now := time.monotonic() - started) < float(seconds):
        with held(Path(lock[0]) if lock else None):
            behind = int(now * LINES_PER_SECOND) - sessions.told["lines"]
            for _ in range(min(behind, LINES_PER_SECOND)):
                sessions.write_one(most)
            if lock:
                sessions.end()
        time.sleep(BATCH_SECONDS)
    with held(Path(lock[0]) if lock else None):
        sessions.end()
    json.dump(sessions.told, sys.stdout)


if __name__ == "__main__":
    main()
