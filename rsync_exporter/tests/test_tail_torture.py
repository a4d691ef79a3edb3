"""A log written without a pause, rotated by the real logrotate, read over restarts."""

import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from rsync_exporter.tail.followers import Followers, FollowOptions
from rsync_exporter.tail.lines import MAX_LINE_BYTES
from rsync_exporter.tests.running import eventually

pytestmark = pytest.mark.integration

LINES_PER_SECOND = 5_000
WRITING_SECONDS = 10
SESSION_SECONDS = 0.3
RESTART_SECONDS = 0.7
POLL_SECONDS = 0.03

type Rotate = Callable[[], object]


class Writer(threading.Thread):
    """Writes numbered lines as sessions do: each opens the log, and appends for a time.

    Under the lock it has the log closed: what a file gets while it is copied or
    compressed, logrotate itself loses, and no reader can have it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.written = 0
        self._path = path

    def run(self) -> None:
        """Keep to the rate, whatever it takes."""
        self._begun = time.monotonic()
        while self._passed() < WRITING_SECONDS:
            with self.lock, self._path.open("ab", buffering=0) as log:
                self._session(log.write)
            time.sleep(0.001)  # lets a rotation have the lock

    def _session(self, write: Callable[[bytes], object]) -> None:
        ends = min(self._passed() + SESSION_SECONDS, WRITING_SECONDS)
        while self._passed() < ends:
            for number in range(self.written, int(self._passed() * LINES_PER_SECOND)):
                write(b"2026/11/22 04:40:00 [7] line %d\n" % number)
                self.written = number + 1
            time.sleep(0.002)

    def _passed(self) -> float:
        return time.monotonic() - self._begun


class Reader:
    """Collects lines, and forgets what came after its last checkpoint ever again."""

    def __init__(self, path: Path) -> None:
        self.lines: list[bytes] = []
        self.restarts = 0
        self._path = path
        self._checkpoint: tuple[int, dict[str, Any] | None] = (0, None)
        self._begin()

    def poll(self) -> None:
        """Read what is new, with a checkpoint after every third chunk."""
        for number, chunk in enumerate(self._followers.poll()):
            self.lines.extend(chunk.lines)
            if number % 3 == 0:
                state = json.loads(json.dumps(self._followers.state()))
                self._checkpoint = (len(self.lines), state)
            if time.monotonic() > self._restart_at:
                self._restart()
                return

    def close(self) -> None:
        """Close every file."""
        self._followers.close()

    def lost_bytes(self) -> int:
        """Return what the follower says it could not read."""
        return sum(progress.lost_bytes for progress in self._followers.progress())

    def _restart(self) -> None:
        """Be killed: what came after the checkpoint was never counted."""
        self._followers.close()
        del self.lines[self._checkpoint[0] :]
        self.restarts += 1
        self._begin()

    def _begin(self) -> None:
        options = FollowOptions(keep_rotated_seconds=60)
        state = self._checkpoint[1]
        self._followers = Followers([str(self._path)], options, state)
        self._restart_at = time.monotonic() + RESTART_SECONDS


def logrotate(path: Path, *directives: str) -> Rotate:
    """Return a function that rotates as logrotate does with these directives."""
    conf = path.with_name("logrotate.conf")
    body = "\n".join(("rotate 1000", *directives))
    conf.write_text(f"{path} {{\n{body}\n}}\n")
    conf.chmod(0o600)
    state = path.with_name("logrotate.state")
    command = ["logrotate", "--force", "--state", str(state), str(conf)]
    return lambda: subprocess.run(command, check=True, timeout=30)


def links(path: Path) -> Rotate:
    """Return a function that points the path to another file."""

    def swap() -> None:
        target = path.with_name(f"rsyncd-{time.time_ns()}.log")
        target.touch()
        link = path.with_name("link")
        link.symlink_to(target)
        link.replace(path)

    if not path.is_symlink():
        path.unlink()
        swap()
    return swap


@contextmanager
def every_second(rotate: Callable[[], object]) -> Iterator[list[float]]:
    """Rotate in the background; yield a list of when that was."""
    times: list[float] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(1):
            rotate()
            times.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield times
    finally:
        stop.set()
        thread.join()


CREATE = "create"
METHODS: dict[str, tuple[str, ...]] = {
    "create": (CREATE,),
    "nocreate": ("nocreate",),
    "delaycompress": (CREATE, "compress", "delaycompress"),
    "compress": (CREATE, "compress"),
    "dateext": (CREATE, "dateext", "dateformat -%Y%m%d-%s"),
    "extension": (CREATE, "dateext", "dateformat -%Y%m%d-%s", "extension .log"),
    "copytruncate": ("copytruncate",),
    "copytruncate compress": ("copytruncate", "compress"),
    "links": (),
}
NEED_PEACE = ("compress", "copytruncate", "copytruncate compress")


@pytest.mark.parametrize("method", METHODS)
def test_every_line_is_handed_on_once(tmp_path: Path, method: str):
    path = tmp_path / "rsyncd.log"
    path.touch()
    rotate = logrotate(path, *METHODS[method]) if METHODS[method] else links(path)
    writer = Writer(path)
    peace = writer.lock if method in NEED_PEACE else nullcontext()

    def rotate_in_peace() -> None:
        with peace:
            rotate()

    with closing(Reader(path)) as reader, every_second(rotate_in_peace) as times:
        writer.start()
        while writer.is_alive():
            reader.poll()
            time.sleep(POLL_SECONDS)

        def is_all_read() -> bool:
            reader.poll()
            return len(reader.lines) >= writer.written

        eventually(is_all_read, f"all of {writer.written} lines")
        lost_bytes = reader.lost_bytes()
    numbers = sorted(int(line.rsplit(b" ", 1)[1]) for line in reader.lines)
    assert numbers == list(range(writer.written))
    assert writer.written > 0.9 * LINES_PER_SECOND * WRITING_SECONDS
    assert lost_bytes == 0
    assert min(len(times), reader.restarts) >= WRITING_SECONDS / 2


def test_a_file_without_a_newline_takes_no_memory(tmp_path: Path):
    path = tmp_path / "rsyncd.log"
    path.touch()
    os.truncate(path, 1_000_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with closing(Followers([str(path)], FollowOptions())) as followers:
        assert list(followers.poll()) == []
        with path.open("ab") as file:
            file.write(b"\nnext\n")
        [chunk] = followers.poll()
        assert chunk.lines == [bytes(MAX_LINE_BYTES), b"next"]
        [progress] = followers.progress()
    assert progress.lost_bytes == 1_000_000_000 - MAX_LINE_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 10_000
