"""The log at a path, followed over rotation: each file that was behind it is read.

Sessions of rsyncd keep the file open that was there when they began, and write their
last lines to it hours after it was renamed. So a replaced file stays open for a while.
"""

import logging
import os
from collections.abc import Collection, Iterator
from typing import Any

from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.generation import Generation, Generations
from rsync_exporter.tail.log_file import LogFile
from rsync_exporter.tail.place import Place
from rsync_exporter.tail.reading import Reading
from rsync_exporter.tail.search import Search
from rsync_exporter.tail.surroundings import Counts, Surroundings

log = logging.getLogger(__name__)

# Each costs a file descriptor, and a deleted one its place on the disk.
MAX_OPEN_FILES = 16
MAX_KNOWN_FILES = 64

# A rotated file that no session is known to write to is closed after this.
IDLE_SECONDS = 60


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
        self._current: Generation | None = None
        self._search = Search(path, around, self._known, self._counts)
        self._problem: OSError | None = None
        self._begins = state is None
        self._from_end = from_end
        if state is not None:
            self._restore(state)

    def poll(self, in_use: Collection[int] = ()) -> Iterator[Chunk]:
        """Yield the lines written since the last call, block by block.

        in_use: streams of which more lines are expected.
        Raises OSError at the end when there is no log, or it cannot be read.
        """
        self._search.new_poll()
        self._look()
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
        if self._problem and not self._is_between_two_logs():
            raise self._problem

    def progress(self) -> Progress:
        """Return how far the log was read."""
        place = self._current.place if self._current else None
        return Progress(
            self._path,
            read_bytes=self._counts.read_bytes,
            size_bytes=place.size if place else 0,
            offset_bytes=place.offset if place else 0,
            lost_bytes=self._counts.lost_bytes,
            open_files=len(self._known.opened()),
            rotations=dict(self._counts.rotations),
        )

    def state(self) -> dict[str, Any]:
        """Return what a restart goes on from, at any time between two chunks."""
        return {
            "since_ns": self._search.since_ns,
            "current": self._current.stream if self._current else None,
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
                self._current = generation
        self._counts.restore(state["counts"])
        self._search.resume(int(state["since_ns"]))

    def _look(self) -> None:
        """Open what is at the path now, unless it is open already."""
        before, self._problem = self._problem, None
        try:
            status = os.stat(self._path)  # noqa: PTH116 -- a Path costs more than this
            self._begin(status.st_mtime_ns)
            if not self._is_current((status.st_dev, status.st_ino)):
                self._switch(LogFile.open(self._path))
            elif self._may_have_been_emptied(status.st_mtime_ns):
                self._search.begin()
            self._search.log_modified(status.st_mtime_ns)
        except OSError as error:
            self._problem = error
            self._begin(None)
            if not before and self._current:
                self._search.begin()

    def _begin(self, modified_ns: int | None) -> None:
        """Leave out what is old, when there is no state that knows of it."""
        begins, self._begins = self._begins, False
        if not begins:
            return
        self._search.remember_what_is_there(modified_ns)
        if self._from_end and modified_ns is not None:
            file = LogFile.open(self._path)
            self._current = self._new(file)
            self._current.reading = Reading.at_end(file, file.status().st_size)

    def _is_current(self, identity: tuple[int, int]) -> bool:
        current = self._current
        return bool(current and current.reading and current.identity == identity)

    def _may_have_been_emptied(self, modified_ns: int) -> bool:
        """Tell whether a file of which nothing was read yet was written meanwhile.

        Then nothing in it shows whether it was copied and truncated, too.
        """
        reading = self._current.reading if self._current else None
        if not reading or reading.seen:
            return False
        return self._search.differs(modified_ns)

    def _switch(self, file: LogFile) -> None:
        """Read this file as the path's from now on."""
        found = self._known.behind(file) or self._new(file)
        if found.reading and found.identity == file.identity:
            file.close()
        else:
            found.open(file, self._around.clock())
        if found is not self._current:
            self._replaced(found)

    def _new(self, file: LogFile) -> Generation:
        generation = Generation(self._around.number(), Place(*file.identity))
        self._known.add(generation)
        return generation

    def _replaced(self, found: Generation) -> None:
        if self._current:
            same = self._current.identity == found.identity
            self._counts.rotations["truncated" if same else "replaced"] += 1
            self._search.begin()
        self._current = found
        log.info("log opened path=%s size_bytes=%d", self._path, found.place.size)

    def _finds_more(self) -> bool:
        return self._search.step(self._current, is_blocked=self._is_blocked())

    def _read_rotated(self) -> Iterator[Chunk]:
        for generation in self._known.opened():
            if generation is self._current:
                continue
            try:
                yield from self._read(generation)
            except OSError as error:
                self._lose_hold(generation, error)

    def _read_current(self) -> Iterator[Chunk]:
        """Read the path's file; when it was truncated, first what was copied of it."""
        try:
            while self._current and self._current.reading:
                current = self._current
                yield from self._read(current)
                if current is self._current:
                    return
                self._finds_more()
                yield from self._read_rotated()
        except OSError as error:
            if self._current:
                self._lose_hold(self._current, error)
            self._problem = self._problem or error

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
        if generation is self._current:
            self._replaced(following)

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

    def _close_idle(self, in_use: Collection[int]) -> None:
        opened = self._known.opened()
        if len(opened) == 1 and opened[0] is self._current and not self._problem:
            return
        rotated = [each for each in opened if not self._is_still_there(each)]
        rotated.sort(key=lambda each: each.changed_at)
        for place, generation in enumerate(rotated):
            if place < len(rotated) - MAX_OPEN_FILES or self._is_idle(
                generation, in_use
            ):
                generation.close()
                generation.is_wanted = False
                log.info("rotated log closed path=%s", self._path)
        if not self._search.is_on:
            self._known.trim(MAX_KNOWN_FILES)

    def _is_still_there(self, generation: Generation) -> bool:
        if generation is not self._current or not generation.reading:
            return False
        return bool(generation.reading.file.status().st_nlink)

    def _is_idle(self, generation: Generation, in_use: Collection[int]) -> bool:
        keep = self._around.options.keep_rotated_seconds
        limit = keep if generation.stream in in_use else min(keep, IDLE_SECONDS)
        return self._around.clock() >= generation.changed_at + limit

    def _is_blocked(self) -> bool:
        """Whether the path has a file that cannot be read: it may be a missing one."""
        return bool(self._problem) and not isinstance(self._problem, FileNotFoundError)

    def _is_between_two_logs(self) -> bool:
        """After a rename there is no log until the next session makes one."""
        if self._is_blocked() or not self._current:
            return False
        return self._current.is_copied or self._is_still_there(self._current)
