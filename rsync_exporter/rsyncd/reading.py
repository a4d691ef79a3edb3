"""Lines of one file to messages and what they mean, whatever the names in them hold.

Two things make lines and messages differ (both measured). A message of 2,047 bytes was
cut, and the next record follows on the same line. And up to rsync 3.4.4 a newline in a
name is written as it is: the message goes on in the next line, and whoever chose the
name may have made that line look like a record. So a message without its proper end is
held until a line ends it; only what ends it in time belongs to it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES, cut_position, is_cut
from rsync_exporter.rsyncd.events import (
    Event,
    FileLine,
    Requested,
    Unended,
    UnknownModule,
)
from rsync_exporter.rsyncd.held import Held
from rsync_exporter.rsyncd.length_ends import LengthEnds
from rsync_exporter.rsyncd.line_format import Lines, SourcedLines
from rsync_exporter.rsyncd.line_times import LineTimes
from rsync_exporter.rsyncd.log_time import LogTime
from rsync_exporter.rsyncd.messages import Reading, understand
from rsync_exporter.rsyncd.record import Record

# Takes a record, which comes in its parts, and what it means.
type Take = Callable[[int | None, bytes | None, bytes, Event | None], None]

_MAY_GO_ON = frozenset([FileLine, Requested, Unended, UnknownModule])


class KnownSession(Protocol):
    """What is known of the session that a line may be of.

    address: the client's, with which its request ends.
    ended: None while it goes on.
    take_alike: takes the time and message of a line about a file, and returns True,
        when it begins like one before; None while there was none.
    """

    address: str
    ended: int | None
    take_alike: Callable[[int | None, bytes], bool] | None


class Reader:
    """Reads the lines of one file in their order.

    take: called with each record and what it means, unless its session's take_alike
        took it.
    sessions: those that are known, by their process.
    lengths_end_lines: whether each line about a file ends in the file's length, as by
        the default `log format`; None where nobody told the format.
    escapes_newlines: whether rsync is known to be one that does: then no message goes
        on in the next line.
    source: comes before each process number, where several daemons are heard.
    """

    def __init__(
        self,
        lines: Lines,
        log_time: LogTime,
        take: Take,
        *,
        sessions: Mapping[bytes, KnownSession],
        source: bytes = b"",
        lengths_end_lines: bool | None = None,
        escapes_newlines: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counts = dict.fromkeys(("unparsed", "suspect", "joined", "split"), 0)
        self._take = take
        self._lengths = LengthEnds(known=lengths_end_lines)
        self._escapes_newlines = escapes_newlines
        self._sessions = sessions
        self._lines = SourcedLines(lines, source) if source else lines
        self._times = LineTimes(log_time, clock)
        self._held: Held | None = None

    def take_counts(self) -> Mapping[str, int]:
        """Return how many lines were no record since this was last asked.

        ``unparsed`` ones are none, ``suspect`` ones have a time that cannot be,
        ``joined`` ones went on with the record before them, and a ``split`` line held
        one record more.
        """
        counts, self._counts = self._counts, dict.fromkeys(self._counts, 0)
        return counts

    def read(self, lines: Sequence[bytes], *, ends: bool) -> None:
        """Read the next lines.

        ends: the writer has written no more, so a message that is held has ended:
            rsyncd writes each by one call.
        """
        # All that most lines need is here: as calls it would take a third longer.
        match, split = self._lines.shape.match, self._lines.split
        take, times, sessions = self._take, self._times, self._sessions
        for line in lines:
            if self._held or len(line) > MESSAGE_BYTES:
                self._read_with_care(line)
                continue
            found = match(line)
            parts = found.groups() if found else split(line)
            if parts is None:
                self._counts["unparsed"] += 1
                continue
            stamp, pid, message = parts
            unsure = stamp != times.stamp or times.is_suspect
            if unsure and times.read(stamp):
                self._counts["suspect"] += 1
                continue
            session = sessions.get(pid or b"")
            take_alike = session and session.take_alike
            if take_alike and take_alike(times.time, message):
                continue
            event = understand(message)
            if type(event) in _MAY_GO_ON:
                event = self._judge(event, message, pid)
            if type(event) is Unended:
                self._hold(line, Record(times.time, pid, message), event.event)
                continue
            take(times.time, pid, message, event)
        while ends and self._held:  # a line that was held may be one to hold
            self._give_up(self._held)

    @property
    def is_holding(self) -> bool:
        """Whether the next line may be the rest of a message, and so say anything."""
        return self._held is not None

    def state(self) -> dict[str, Any]:
        """Return what the next lines are read by, for a checkpoint."""
        held = self._held.lines if self._held else ()
        return {
            "held": [line.decode("latin-1") for line in held],
            "latest": self._times.latest,
            "suspects": self._times.suspects,
            "length_balance": self._lengths.balance,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint holds.

        Raises ValueError when it holds what no reader can have held.
        """
        for line in state["held"]:
            self._hold_again(line.encode("latin-1"))
        self._times.latest = state["latest"]
        self._times.suspects = state["suspects"]
        self._lengths.balance = state["length_balance"]

    def _hold_again(self, line: bytes) -> None:
        """Hold a line that was held, though the reasons may be gone by now."""
        if self._held:
            self._held.add(line)
            return
        parts = self._lines.split(line)
        reading = understand(parts[2]) if parts else None
        if parts is None or reading is None:
            raise ValueError("a line was held that means nothing")
        stamp, pid, message = parts
        self._times.read(stamp)
        event = reading.event if isinstance(reading, Unended) else reading
        self._held = Held(line, Record(self._times.time, pid, message), event)

    def _judge(self, event: Reading, message: bytes, pid: bytes | None) -> Reading:
        """Return what a message means; Unended where its end is missing."""
        if type(event) is FileLine:
            return Unended(event) if self._lengths.lacks(message) else event
        if type(event) is Requested or type(event) is UnknownModule:
            session = self._sessions.get(pid or b"")
            if session and session.ended is None and not _ends_with(session, message):
                return Unended(event)
        return event

    def _read_with_care(self, line: bytes) -> None:
        """Read a line that is very long, or may go on with the message before it."""
        if self._held:
            if not self._held.goes_on(line):
                self._end(self._held, line)
            return
        parts = self._lines.split(line)
        if parts is None:
            self._counts["unparsed"] += 1
            return
        stamp, pid, whole = parts
        message, rest = self._part_cut_message(whole)
        self._read_record(line, stamp, pid, message)
        if rest:
            self._counts["split"] += 1
            self._read_with_care(rest)

    def _part_cut_message(self, message: bytes) -> tuple[bytes, bytes]:
        """Part a message that was cut from the record that follows on its line.

        Only at the cut may a record begin inside a line: everywhere else, what looks
        like one is a name that somebody chose.
        """
        cut = cut_position(message)
        if len(message) > cut and self._lines.split(message[cut:]):
            return message[:cut], message[cut:]
        return message, b""

    def _read_record(
        self, line: bytes, stamp: bytes | None, pid: bytes | None, message: bytes
    ) -> None:
        if self._times.read(stamp):
            self._counts["suspect"] += 1
            return
        record = Record(self._times.time, pid, message)
        event = self._judge(understand(message), message, pid)
        if isinstance(event, Unended):
            self._hold(line, record, event.event)
        else:
            self._take(*record, event)

    def _hold(self, line: bytes, record: Record, event: Event) -> None:
        """Keep a message until a line ends it, unless no more of it can follow."""
        if is_cut(record.message) or self._escapes_newlines():
            self._take(*record, event)
        else:
            self._held = Held(line, record, event)

    def _end(self, held: Held, line: bytes) -> None:
        """Add a line to the message that is held, which may end it."""
        held.add(line)
        if held.size_bytes <= MESSAGE_BYTES:
            end = held.ended_by(line)
            whole = self._judge_end(held, end)
            if whole is not None and not isinstance(whole, Unended):
                self._join(held, held.message(), whole)
            return
        message = held.message()
        rest = message[MESSAGE_BYTES:]
        if self._lines.split(rest):
            self._counts["split"] += 1
            self._join(held, message[:MESSAGE_BYTES], held.event)
            self._read_with_care(rest)
        else:
            self._give_up(held)

    def _judge_end(self, held: Held, message: bytes) -> Reading:
        event = understand(message)
        if type(event) is FileLine:
            return event if self._lengths.may_end(message) else Unended(event)
        return self._judge(event, message, held.record.pid)

    def _join(self, held: Held, message: bytes, event: Event) -> None:
        self._counts["joined"] += len(held.lines) - 1
        self._held = None
        self._take(*held.record._replace(message=message), event)

    def _give_up(self, held: Held) -> None:
        """Take the message as it is, and each line that followed as its own."""
        self._held = None
        self._take(*held.record, held.event)
        for line in held.lines[1:]:
            self._read_with_care(line)


def _ends_with(session: KnownSession, message: bytes) -> bool:
    return message.endswith(b" (%b)" % session.address.encode())
