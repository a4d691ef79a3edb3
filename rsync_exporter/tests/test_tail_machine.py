"""Whatever a rotation, a writer and a restart do in whatever order: each line once."""

import gzip
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import Log

MAX_ROTATIONS = 40


class Rotations(RuleBasedStateMachine):
    """Does to a log what is done to logs, and expects of its reader what was written.

    ``_contents`` are those of all files that ever were behind the path, in their order:
    the naive model. Lines are unique, so how often each came can be told.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._log = Log(self._folder)
        self._contents: list[bytearray] = []
        self._read: list[bytes] = []
        self._streams: dict[int, list[bytes]] = defaultdict(list)
        self._kept: tuple[int, dict[int, list[bytes]], dict[str, Any]] | None = None
        self._lines = 0
        self._rotations = 0
        self._old: tuple[Path, bytearray] | None = None

    def teardown(self) -> None:
        """Read to the end, and compare with the model."""
        self._catch_up()
        self._log.followers.close()
        shutil.rmtree(self._folder)

    @initialize()
    def begin(self) -> None:
        """Have a log."""
        self._log.path.touch()
        self._contents.append(bytearray())
        self.poll()
        self.checkpoint()

    @rule(lines=st.integers(1, 40), part=st.booleans())
    def append(self, lines: int, *, part: bool) -> None:
        """Write lines, of which the last may have no end yet."""
        text = b"".join(self._line() + b"\n" for _ in range(lines))
        self._write(self._log.path, self._contents[-1], text[:-3] if part else text)
        if part:
            self._rest = text[-3:]

    _rest = b""

    @precondition(lambda self: self._rest)
    @rule()
    def end_line(self) -> None:
        """Write the end of a line."""
        self._write(self._log.path, self._contents[-1], b"")

    @precondition(lambda self: self._old)
    @rule()
    def append_late(self) -> None:
        """Write to a file that was renamed since, as a session in flight does."""
        path, content = self._old or (self._log.path, bytearray())
        text = self._line() + b"\n"
        content += text
        with path.open("ab") as file:
            file.write(text)

    @precondition(lambda self: self._rotations < MAX_ROTATIONS)
    @rule()
    def rename(self) -> None:
        """Rotate as logrotate does by `create`."""
        self._rotated()
        renamed = self._log.rename()
        self._log.path.touch()
        self._old = (renamed, self._contents[-2])

    @precondition(lambda self: self._rotations < MAX_ROTATIONS)
    @rule()
    def copy_and_truncate(self) -> None:
        """Rotate as logrotate does by `copytruncate`."""
        self._rotated()
        self._log.truncate()

    @rule(slowly=st.booleans())
    def compress(self, *, slowly: bool) -> None:
        """Compress what was rotated last, with its times kept."""
        first = Path(f"{self._log.path}.1")
        if first.exists() and first.stat().st_size:
            self._old = None
            packed = Path(f"{first}.gz")
            content = gzip.compress(first.read_bytes())
            if slowly:
                packed.write_bytes(content[: len(content) // 2])
                first.rename(self._folder / "elsewhere")
                self.poll()
                (self._folder / "elsewhere").rename(first)
            packed.write_bytes(content)
            shutil.copystat(first, packed)
            first.unlink()

    @rule()
    def poll(self) -> None:
        """Read what is new."""
        for chunk in self._log.followers.poll():
            self._take(chunk.stream, chunk.lines)

    @rule(chunks=st.integers(0, 3))
    def poll_in_part(self, chunks: int) -> None:
        """Read a little, with a checkpoint in the middle, and die."""
        polled = self._log.followers.poll()
        for _, chunk in zip(range(chunks), polled, strict=False):
            self._take(chunk.stream, chunk.lines)
        self.checkpoint()
        polled.close()  # type: ignore[attr-defined]
        self.restart()

    @rule()
    def checkpoint(self) -> None:
        """Keep counts and places."""
        streams = {stream: list(lines) for stream, lines in self._streams.items()}
        self._kept = (len(self._read), streams, self._log.state())

    @rule()
    def restart(self) -> None:
        """Go on from the last checkpoint; what came after it was never counted."""
        assert self._kept
        count, streams, state = self._kept
        del self._read[count:]
        self._streams = defaultdict(list)
        self._streams.update({key: list(lines) for key, lines in streams.items()})
        self._log.restart(state)

    @rule()
    def point_elsewhere(self) -> None:
        """Rotate by a link that goes from file to file."""
        self._rotated()
        target = self._folder / f"rsyncd-{20_261_100 + self._rotations}.log"
        target.touch()
        link = self._folder / "link"
        link.symlink_to(target)
        if not self._log.path.is_symlink():
            self._log.rename()
        link.replace(self._log.path)

    @rule()
    def wait(self) -> None:
        """Let the search of a rotation come to its end."""
        self.poll()
        self._log.clock.now += SEARCH_SECONDS
        self.poll()

    @invariant()
    def nothing_is_read_twice(self) -> None:
        """Hold at any time."""
        assert len(set(self._read)) == len(self._read)

    def _catch_up(self) -> None:
        """Read everything; late lines of closed files are looked for at a restart."""
        self.poll()
        self.checkpoint()
        self.restart()
        self.wait()
        expected = [bytes(content).split(b"\n")[:-1] for content in self._contents]
        assert sorted(self._read) == sorted(chain.from_iterable(expected))
        for lines in self._streams.values():
            assert any(lines == each for each in expected)
        # Only of what never became a line; it may be counted when its file is gone.
        unended = sum(len(text.rpartition(b"\n")[2]) for text in self._contents)
        assert self._log.progress().lost_bytes <= unended

    def _take(self, stream: int, lines: Sequence[bytes]) -> None:
        self._read.extend(lines)
        self._streams[stream].extend(lines)

    def _line(self) -> bytes:
        self._lines += 1
        return b"2026/11/22 04:40:00 [%d] line" % self._lines

    def _write(self, path: Path, content: bytearray, text: bytes) -> None:
        text, self._rest = self._rest + text, b""
        content += text
        with path.open("ab") as file:
            file.write(text)

    def _rotated(self) -> None:
        self._rotations += 1
        self._contents.append(bytearray())
        self._rest = b""
        self._old = None


Rotations.TestCase.settings = settings(
    deadline=None, max_examples=100, stateful_step_count=40
)
TestRotations = Rotations.TestCase
