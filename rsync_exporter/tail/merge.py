"""Several logs as one, in the order of the times that their lines begin with.

A module may have a log of its own: then a session begins in the daemon's log and goes
on in the module's, and with a backlog neither can be read to its end before the other.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from rsync_exporter.tail.chunk import Chunk

type Poll = Callable[[], Iterator[Chunk]]

_STAMP = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_STAMP_BYTES = len(b"2026/11/21 20:51:58")


class _Waiting(NamedTuple):
    """The lines of a chunk from ``begin`` on, and what tells whose turn it is."""

    stamp: bytes
    place: int
    begin: int
    chunk: Chunk


@dataclass(slots=True)
class _Source:
    """A log.

    waits: a chunk of it is not yet handed on.
    has_ended: nothing more was there when it was last read.
    """

    path: str
    poll: Poll
    waits: bool
    chunks: Iterator[Chunk] | None = None
    has_ended: bool = False
    problem: OSError | None = None

    def read(self) -> Chunk | None:
        """Return the next chunk, of another poll if the last one has ended."""
        self.chunks = self.chunks or self.poll()
        self.problem = None
        try:
            chunk = next(self.chunks, None)
        except OSError as error:
            chunk, self.problem = None, error
        if chunk is None:
            self.chunks, self.has_ended = None, True
        return chunk


class Merge:
    """Reads logs side by side, with at most one chunk of each in memory.

    Of lines of the same second, those of an earlier log come first: the later ones go
    on with what began there. A line that begins with no time follows the one before it.
    """

    def __init__(self, state: Sequence[Mapping[str, Any]] = ()) -> None:
        """Begin, or hand on first what ``state`` says was read and not handed on.

        Raises KeyError or TypeError when it is nothing that fits.
        """
        self._sources: list[_Source] = []
        self._waiting = [_waiting(0, _restored(values), 0) for values in state]

    def merge(self, polls: Mapping[str, Poll]) -> Iterator[Chunk]:
        """Yield what the polls of all logs yield, each by the path of its chunks."""
        self._begin(polls)
        for place in reversed(range(len(self._sources))):
            self._read(place)
        while self._waiting:
            turn = heappop(self._waiting)
            yield self._take(turn)
            self._read(turn.place)

    def problems(self) -> Mapping[str, OSError]:
        """Return what was wrong with each log when it was last read, by its path."""
        return {each.path: each.problem for each in self._sources if each.problem}

    def state(self) -> Sequence[Mapping[str, Any]]:
        """Return what was read and not handed on."""
        return [_kept(waiting) for waiting in self._waiting]

    def _begin(self, polls: Mapping[str, Poll]) -> None:
        """Have each log read anew, but go on with what waits from the time before."""
        left = {waiting.chunk.file: waiting for waiting in self._waiting}
        polls = {**polls, **{path: _nothing for path in left if path not in polls}}
        self._sources = [
            _Source(path, poll, waits=path in left) for path, poll in polls.items()
        ]
        self._waiting = [
            left[source.path]._replace(place=place)
            for place, source in enumerate(self._sources)
            if source.waits
        ]
        heapify(self._waiting)

    def _read(self, last: int) -> None:
        """Read on in a log, and when it has more, also in those before it.

        What its new lines go on with may have been written there meanwhile.
        """
        has_more = False
        for place in range(last, -1, -1):
            source = self._sources[place]
            if not source.waits and (has_more or not source.has_ended):
                chunk = source.read()
                source.waits = chunk is not None
                if chunk is not None:
                    has_more = True
                    heappush(self._waiting, _waiting(place, chunk, 0))
            if not has_more:
                return

    def _take(self, turn: _Waiting) -> Chunk:
        """Return what comes before the lines of all other logs; the rest waits."""
        place, begin, chunk = turn.place, turn.begin, turn.chunk
        end = _end(turn, self._waiting[0]) if self._waiting else len(chunk.lines)
        if end < len(chunk.lines):
            heappush(self._waiting, _waiting(place, chunk, end))
            return chunk._replace(lines=chunk.lines[begin:end], ends=False)
        self._sources[place].waits = False
        return chunk._replace(lines=chunk.lines[begin:])


def _nothing() -> Iterator[Chunk]:
    return iter(())


def _waiting(place: int, chunk: Chunk, begin: int) -> _Waiting:
    line = chunk.lines[begin] if chunk.lines else b""
    return _Waiting(_stamp(line), place, begin, chunk)


def _stamp(line: bytes) -> bytes:
    """Return a line's time as written: of two of these, the earlier is the lesser."""
    return line[:_STAMP_BYTES] if _STAMP.match(line) else b""


def _end(turn: _Waiting, following: _Waiting) -> int:
    """Return the number of the first line that comes after another log's next one."""
    lines, limit = turn.chunk.lines, (following.stamp, following.place)
    for number in range(turn.begin, len(lines)):
        if (_stamp(lines[number]), turn.place) > limit:
            return number
    return len(lines)


def _kept(waiting: _Waiting) -> Mapping[str, Any]:
    chunk = waiting.chunk
    lines = [line.decode("latin-1") for line in chunk.lines[waiting.begin :]]
    return {
        "file": chunk.file,
        "stream": chunk.stream,
        "lines": lines,
        "ends": chunk.ends,
    }


def _restored(values: Mapping[str, Any]) -> Chunk:
    lines = [line.encode("latin-1") for line in values["lines"]]
    return Chunk(values["file"], values["stream"], lines, values["ends"])
