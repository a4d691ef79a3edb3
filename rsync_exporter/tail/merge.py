"""Several logs as one, in the order of the times that their lines begin with.

A module may have a log of its own: then a session begins in the daemon's log and goes
on in the module's, and with a backlog neither can be read to its end before the other.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from rsync_exporter.tail.chunk import Chunk

type Poll = Callable[[], Iterator[Chunk]]
type IsHolding = Callable[[int], bool]

_STAMP = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_STAMP_FORMAT = "%Y/%m/%d %H:%M:%S"
_STAMP_BYTES = len(b"2026/11/21 20:51:58")

# A time after that is none that a daemon wrote, whatever its zone.
_AHEAD_SECONDS = 2 * 86_400


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
    is_behind: a later log was read since this poll of it began.
    has_ended: nothing more was there when it was last read.
    """

    path: str
    poll: Poll
    waits: bool
    chunks: Iterator[Chunk] | None = None
    is_behind: bool = False
    has_ended: bool = False
    problem: OSError | None = None

    def read(self) -> Chunk | None:
        """Return the next chunk, of another poll if this one ends behind."""
        chunk = self._next()
        if chunk is None and self.is_behind:
            chunk = self._next()
        self.has_ended = chunk is None
        return chunk

    def _next(self) -> Chunk | None:
        if self.chunks is None:
            self.chunks, self.is_behind = self.poll(), False
        self.problem = None
        try:
            chunk = next(self.chunks, None)
        except OSError as error:
            chunk, self.problem = None, error
        if chunk is None:
            self.chunks = None
        return chunk


class Merge:
    """Reads logs side by side, with at most one chunk of each in memory.

    Of lines of the same second, those of an earlier log come first: the later ones go
    on with what began there. A line that begins with no time of rsyncd's own follows
    the one before it: logs that syslog wrote come one after the other.
    """

    def __init__(self, state: Sequence[Mapping[str, Any]] = ()) -> None:
        """Begin, or hand on first what ``state`` says was read and not handed on.

        Raises KeyError or TypeError when it is nothing that fits.
        """
        self._sources: list[_Source] = []
        self._waiting = [_Waiting(b"", 0, 0, _restored(values)) for values in state]
        self._not_yet = b""

    def merge(
        self, polls: Mapping[str, Poll], is_holding: IsHolding = lambda _stream: False
    ) -> Iterator[Chunk]:
        """Yield what the polls of all logs yield, each by the path of its chunks.

        is_holding: whether a file's next line may be the rest of a message that has no
            end yet. Then it follows at once, for whoever named a file wrote its time.
        """
        self._begin(polls)
        for place in reversed(range(len(self._sources))):
            self._read(place)
        while self._waiting:
            turn = heappop(self._waiting)
            yield self._take(turn)
            self._read(turn.place)
            if is_holding(turn.chunk.stream):
                self._go_on(turn.place)

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
        ahead = time.localtime(time.time() + _AHEAD_SECONDS)
        self._not_yet = time.strftime(_STAMP_FORMAT, ahead).encode()
        self._waiting = []
        for place, source in enumerate(self._sources):
            if source.waits:
                self._wait(place, left[source.path].chunk, left[source.path].begin)

    def _read(self, last: int) -> None:
        """Read on in a log, and when it has more, also in those before it.

        What its new lines go on with may have been written there meanwhile. Where lines
        wait, it comes behind them.
        """
        has_more = False
        for place in range(last, -1, -1):
            source = self._sources[place]
            source.is_behind |= has_more
            if not source.waits and (source.is_behind or not source.has_ended):
                chunk = source.read()
                source.waits = chunk is not None
                if chunk is not None:
                    has_more = True
                    self._wait(place, chunk, 0)
            if not has_more:
                return

    def _go_on(self, place: int) -> None:
        """Have a log's next line come before those of all others."""
        for number, waiting in enumerate(self._waiting):
            if waiting.place == place:
                self._waiting[number] = waiting._replace(stamp=b"")
                heapify(self._waiting)
                return

    def _take(self, turn: _Waiting) -> Chunk:
        """Return what comes before the lines of all other logs; the rest waits."""
        place, begin, chunk = turn.place, turn.begin, turn.chunk
        end = self._end(turn) if self._waiting else len(chunk.lines)
        if end < len(chunk.lines):
            self._wait(place, chunk, end)
            return chunk._replace(lines=chunk.lines[begin:end], ends=False)
        self._sources[place].waits = False
        return chunk._replace(lines=chunk.lines[begin:])

    def _end(self, turn: _Waiting) -> int:
        """Return the number of the first line that comes after another log's next one.

        The line whose turn it is always goes, so that each turn hands something on.
        """
        lines, limit = turn.chunk.lines, self._waiting[0][:2]
        for number in range(turn.begin + 1, len(lines)):
            if (self._stamp(lines[number]), turn.place) > limit:
                return number
        return len(lines)

    def _wait(self, place: int, chunk: Chunk, begin: int) -> None:
        line = chunk.lines[begin] if chunk.lines else b""
        heappush(self._waiting, _Waiting(self._stamp(line), place, begin, chunk))

    def _stamp(self, line: bytes) -> bytes:
        """Return a line's time as written: the earlier of two is the lesser."""
        stamp = line[:_STAMP_BYTES] if _STAMP.match(line) else b""
        return stamp if stamp < self._not_yet else b""


def _nothing() -> Iterator[Chunk]:
    return iter(())


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
    lines = [str(line).encode("latin-1") for line in values["lines"]]
    return Chunk(values["file"], values["stream"], lines, values["ends"])
