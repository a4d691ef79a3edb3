"""The log at a path, followed over rotation: each file that was behind it is read.

Sessions of rsyncd keep the file open that was there when they began, and write their
last lines to it hours after it was renamed. So a replaced file stays open for a while.
"""

import logging
from collections.abc import Iterator
from typing import Any

from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.closing import InUse, to_close
from rsync_exporter.tail.current import Current
from rsync_exporter.tail.generation import Generation, Generations
from rsync_exporter.tail.place import Place
from rsync_exporter.tail.reading import Reading
from rsync_exporter.tail.search import Search
from rsync_exporter.tail.surroundings import Counts, Surroundings

log = logging.getLogger(__name__)

MAX_KNOWN_FILES = 64


class Follower:
    """Reads what is new in the log, in the order in which the files came."""

    def __init__(
        self,
        path: str,
        around: Surroundings,
        state: dict[str, Any] | None = None,
        *,
        from_end: bool = False,
    ) -> None:
        """Go on where a state says. Raises KeyError, TypeError or ValueError.

        from_end: leave out what is there now, when no state says what was read.
        """
        self._path = path
        self._around = around
        self._known = Generations()
        self._counts = Counts()
        self._search = Search(path, around, self._known, self._counts)
        self._current = Current(path, around, self._known, self._counts, self._search)
        if state is None:
            self._current.begin(from_end=from_end)
        else:
            self._restore(state)

    def poll(self, in_use: InUse) -> Iterator[Chunk]:
        """Yield the lines written since the last call, block by block.

        in_use: says of which streams more lines are expected.
        Raises OSError at the end when there is no log, or it cannot be read.
        """
        self._search.new_poll()
        self._current.look()
        while self._finds_more():
            yield from self._read_rotated()
            self._close_idle(in_use)
        yield from self._read_rotated()
        if self._known.missing():  # what was truncated as well has a copy
            self._finds_more()
            yield from self._read_rotated()
        yield from self._read_current()
        self._search.all_is_read()
        self._close_idle(in_use)
        if self._current.problem and not self._current.is_between_two_logs():
            raise self._current.problem

    def progress(self) -> Progress:
        """Return how far the log was read."""
        current = self._current.generation
        return Progress(
            self._path,
            read_bytes=self._counts.read_bytes,
            size_bytes=current.size if current else 0,
            offset_bytes=current.offset if current else 0,
            lost_bytes=self._counts.lost_bytes,
            open_files=len(self._known.opened()),
            rotations=dict(self._counts.rotations),
        )

    def state(self) -> dict[str, Any]:
        """Return what a restart goes on from, at any time between two chunks."""
        current = self._current.generation
        return {
            "since_ns": self._search.since_ns,
            "current": current.stream if current else None,
            "known": [generation.state() for generation in self._known],
            "counts": self._counts.state(),
        }

    def close(self) -> None:
        """Close every file."""
        for generation in self._known.opened():
            generation.close()

    def _restore(self, state: dict[str, Any]) -> None:
        now = self._around.clock()
        for values in state["known"]:
            generation = Generation.restored(values, now)
            self._known.add(generation)
            if generation.stream == state["current"]:
                self._current.generation = generation
        self._counts.restore(state["counts"])
        self._search.resume(int(state["since_ns"]))

    def _finds_more(self) -> bool:
        current = self._current
        return self._search.step(current.generation, is_blocked=current.is_blocked())

    def _read_rotated(self) -> Iterator[Chunk]:
        for generation in self._known.opened():
            if generation is self._current.generation:
                continue
            try:
                yield from self._read(generation)
            except OSError as error:
                self._lose_hold(generation, error)

    def _read_current(self) -> Iterator[Chunk]:
        """Read the path's file; when it was truncated, first what was copied of it."""
        current = self._current
        try:
            while (generation := current.generation) and generation.reading:
                yield from self._read(generation)
                if generation is current.generation:
                    return
                self._finds_more()
                yield from self._read_rotated()
        except OSError as error:
            if current.generation:
                self._lose_hold(current.generation, error)
            current.problem = current.problem or error

    def _read(self, generation: Generation) -> Iterator[Chunk]:
        reading = generation.reading
        if not reading:
            return
        seen = reading.seen
        for block in reading.read(self._around.block_bytes()):
            self._counts.read_bytes += block.read_bytes
            self._counts.lost_bytes += block.cut_bytes
            yield Chunk(self._path, generation.stream, block.lines, block.ends)
        if reading.seen != seen:
            generation.changed_at = self._around.clock()
        if reading.is_rewritten:
            self._rewritten(generation, reading)
        elif reading.file.is_packed:
            generation.close()
            generation.is_wanted = False

    def _rewritten(self, generation: Generation, reading: Reading) -> None:
        now = self._around.clock()
        if reading.keeps_its_head():
            log.warning("log lost its end, going on there path=%s", self._path)
            generation.go_to_end()
            return
        generation.release()
        generation.changed_at = now
        self._search.begin()
        following = Generation(self._around.number(), Place(*generation.identity))
        self._known.add(following)
        following.reading = Reading(reading.file)
        following.changed_at = now
        if generation is self._current.generation:
            self._current.replace(following)

    def _lose_hold(self, generation: Generation, error: OSError) -> None:
        """Let a file go that cannot be read, such as by a stale handle of NFS."""
        log.warning("log cannot be read path=%s error=%s", self._path, error)
        file = generation.reading.file if generation.reading else None
        generation.close()
        generation.changed_at = self._around.clock()
        if file and file.is_packed:
            self._search.ignore(file)
        else:
            self._search.begin()

    def _close_idle(self, in_use: InUse) -> None:
        opened, current = self._known.opened(), self._current
        if opened == [current.generation] and not current.problem:
            return
        kept = current.generation if current.has_name() else None
        rotated = [each for each in opened if each is not kept]
        keep_seconds = self._around.options.keep_rotated_seconds
        for generation in to_close(rotated, in_use, keep_seconds, self._around.clock()):
            generation.close()
            generation.is_wanted = False
            log.info("rotated log closed path=%s", self._path)
        if not self._search.is_on:
            self._known.trim(MAX_KNOWN_FILES)
