"""Lines of one file to messages and what they mean, whatever the names in them hold.

Two things make lines and messages differ (both measured). A message of 2,047 bytes was
cut, and the next record follows on the same line. And up to rsync 3.4.4 a newline in a
name is written as it is: the message goes on in the next line, and whoever chose the
name may have made that line look like a record. So a message without its proper end is
held until a line ends it; only what ends it in time belongs to it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsync_exporter.rsyncd.ends import Ends
from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES, cut_position, is_cut
from rsync_exporter.rsyncd.events import (
    Event,
    FileLine,
    Requested,
    Unended,
    UnknownModule,
)
from rsync_exporter.rsyncd.held import Held
from rsync_exporter.rsyncd.known import KnownSession, Sessions
from rsync_exporter.rsyncd.length_ends import LengthEnds
from rsync_exporter.rsyncd.line_format import START_BYTES, Lines, SourcedLines
from rsync_exporter.rsyncd.line_times import LineTimes
from rsync_exporter.rsyncd.log_time import LogTime
from rsync_exporter.rsyncd.messages import understand
from rsync_exporter.rsyncd.record import Record

_MAY_LACK_END = frozenset([FileLine, Requested, Unended, UnknownModule])


@dataclass(frozen=True, slots=True)
class Writer:
    """How the lines of a file are written.

    source: comes before each process number, where several daemons are heard.
    lengths_end_lines: whether each line about a file ends in the file's length, as by
        the default `log format`; None where nobody told the format.
    escapes_newlines: whether rsync is known to be one that does: then no message goes
        on in the next line.
    """

    lines: Lines
    source: bytes = b""
    lengths_end_lines: bool | None = None
    escapes_newlines: Callable[[], bool] = lambda: False


class Reader[S: KnownSession]:
    """Reads the lines of one file in their order, and hands on what they say."""

    def __init__(
        self,
        writer: Writer,
        log_time: LogTime,
        sessions: Sessions[S],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counts = dict.fromkeys(("unparsed", "suspect", "joined", "split"), 0)
        self._sessions = sessions
        self._ends = Ends(LengthEnds(known=writer.lengths_end_lines))
        self._escapes_newlines = writer.escapes_newlines
        source, lines = writer.source, writer.lines
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
        # All that most lines need is here: as calls it would take a third longer. Most
        # begin with the time of the line before: to find their parts by that takes a
        # third of the time of a regular expression (both measured).
        times, by_pid = self._times, self._sessions.by_pid
        take, take_alike = self._sessions.take, self._sessions.take_alike
        start, time = None, times.time
        for line in lines:
            if self._held or len(line) > MESSAGE_BYTES:
                self._read_with_care(line)
                start = None
                continue
            head, found, message = line.partition(b"] ")
            pid: bytes | None = head[START_BYTES:]
            is_usual = found and head[:START_BYTES] == start
            if not (is_usual and pid and pid.isdigit()):
                parts = self._lines.split(line)
                if parts is None:
                    self._counts["unparsed"] += 1
                    continue
                stamp, pid, message = parts
                if times.read(stamp):
                    self._counts["suspect"] += 1
                    start = None
                    continue
                start, time = self._lines.start(stamp), times.time
            session = by_pid.get(pid) if pid else None
            if session and session.alike and take_alike(session, time, message):
                continue
            event = understand(message)
            if type(event) in _MAY_LACK_END:
                event = self._ends.judge(event, message, session)
            if type(event) is Unended:
                self._hold(line, Record(time, pid, message), event.event)
                continue
            take(session, time, pid, message, event)
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
            "length_balance": self._ends.lengths.balance,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint holds.

        Raises ValueError when it holds what no reader can have held.
        """
        for line in state["held"]:
            self._hold_again(line.encode("latin-1"))
        self._times.latest = state["latest"]
        self._times.suspects = state["suspects"]
        self._ends.lengths.balance = state["length_balance"]

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
        event = self._ends.judge(understand(message), message, self._session(pid))
        if isinstance(event, Unended):
            self._hold(line, record, event.event)
        else:
            self._take(record, event)

    def _session(self, pid: bytes | None) -> S | None:
        return self._sessions.by_pid.get(pid) if pid else None

    def _take(self, record: Record, event: Event | None) -> None:
        self._sessions.take(self._session(record.pid), *record, event)

    def _hold(self, line: bytes, record: Record, event: Event) -> None:
        """Keep a message until a line ends it, unless no more of it can follow."""
        if is_cut(record.message) or self._escapes_newlines():
            self._take(record, event)
        else:
            self._held = Held(line, record, event)

    def _end(self, held: Held, line: bytes) -> None:
        """Add a line to the message that is held, which may end it."""
        held.add(line)
        if held.size_bytes <= MESSAGE_BYTES:
            end = held.ended_by(line)
            session = self._session(held.record.pid)
            whole = self._ends.judge_joined(understand(end), end, session)
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

    def _join(self, held: Held, message: bytes, event: Event) -> None:
        self._counts["joined"] += len(held.lines) - 1
        self._held = None
        self._take(held.record._replace(message=message), event)

    def _give_up(self, held: Held) -> None:
        """Take the message as it is, and each line that followed as its own."""
        self._held = None
        self._take(held.record, held.event)
        for line in held.lines[1:]:
            self._read_with_care(line)
