"""Lines of one file to messages and what they mean, whatever the names in them hold.

Two things make lines and messages differ (both measured). A message of 2,047 bytes was
cut, and the next record follows on the same line. And up to rsync 3.4.4 a newline in a
name is written as it is: the message goes on in the next line, and whoever chose the
name may have made that line look like a record. So a message without its proper end is
held until a line ends it; only what ends it in time belongs to it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES, cut_position, is_cut
from rsync_exporter.rsyncd.events import (
    Event,
    FileLine,
    Requested,
    Suspect,
    Unended,
    UnknownModule,
)
from rsync_exporter.rsyncd.line_format import Lines, Parts
from rsync_exporter.rsyncd.log_time import LogTime
from rsync_exporter.rsyncd.messages import Reading, understand
from rsync_exporter.rsyncd.record import Record

type Read = tuple[Record, Event | None]

RESULTS = ("matched", "ignored", "unparsed", "suspect", "joined", "split")

# Whatever can go on in the next line ends in one of these: a client's address, the
# length or name of a file, the number of an error.
_LAST_BYTES = frozenset(b"%c" % byte for byte in b')"0123456789')

# A record this far from all others was not written when it says.
_FAR_SECONDS = 86_400

# One message holds fewer records than this; so many in a row are a clock that was set.
_BELIEVED_FROM = 100


class Reader:
    """Reads the lines of one file in their order.

    address_of: a process' client, with which its request ends; None where unknown.
    lengths_end_lines: whether each line about a file ends in the file's length, as by
        the default `log format`.
    escapes_newlines: whether rsync is known to be one that does: then no message goes
        on in the next line.
    source: comes before each process number, where several daemons are heard.
    """

    def __init__(
        self,
        lines: Lines,
        log_time: LogTime,
        *,
        address_of: Callable[[bytes], str | None] = lambda _pid: None,
        source: bytes = b"",
        lengths_end_lines: bool = False,
        escapes_newlines: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counts = dict.fromkeys(("unparsed", "joined", "split"), 0)
        self._source = source
        self._before_pid = source and source + b" "
        self._lengths_end_lines = lengths_end_lines
        self._escapes_newlines = escapes_newlines
        self._address_of = address_of
        self._split = lines.split
        self._time_of = _Times(log_time, clock)
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._begun: tuple[Record, Event] = (Record(None, None, b""), Suspect())

    def take_counts(self) -> Mapping[str, int]:
        """Return how many lines were no record since this was last asked.

        ``unparsed`` ones are none, ``joined`` ones went on with the record before them,
        and a ``split`` line held one record more.
        """
        counts, self._counts = self._counts, dict.fromkeys(self._counts, 0)
        return counts

    def read(self, lines: Sequence[bytes], *, ends: bool) -> Iterator[Read]:
        """Yield each record with what it means.

        ends: the writer has written no more, so a message that is held has ended:
            rsyncd writes each by one call.
        """
        split, time_of, before_pid = self._split, self._time_of, self._before_pid
        for line in lines:
            if self._held and self._goes_on(line):
                continue
            if self._held or len(line) > MESSAGE_BYTES:
                yield from self._read_with_care(line)
                continue
            parts = split(line)
            if parts is None:
                self._counts["unparsed"] += 1
                continue
            stamp, pid, message = parts
            if before_pid and pid:
                pid = before_pid + pid
            record = Record(time_of(stamp), pid, message)
            event = Suspect() if time_of.is_suspect else self._understand(message, pid)
            if not isinstance(event, Unended):
                yield record, event
            elif self._escapes_newlines():
                yield record, event.event
            else:
                self._hold(line, record, event.event)
        while ends and self._held:  # a line that was held may be one to hold
            yield from self._give_up()

    def state(self) -> dict[str, Any]:
        """Return what the next lines are read by, for a checkpoint."""
        return {
            "source": self._source.decode("latin-1"),
            "held": [line.decode("latin-1") for line in self._held],
            "latest": self._time_of.latest,
            "suspects": self._time_of.suspects,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        lines = [line.encode("latin-1") for line in state["held"]]
        for _ in self.read(lines, ends=False):
            raise ValueError("the lines that were held are none that can be")
        self._time_of.latest = state["latest"]
        self._time_of.suspects = state["suspects"]

    def _understand(self, message: bytes, pid: bytes | None) -> Reading:
        event = understand(message)
        if type(event) is FileLine and self._lengths_end_lines:
            # Few names end in a blank and digits before a newline; the rest of such a
            # name is a line of no shape then, and nothing worse.
            return event if message[-1:].isdigit() else Unended(event)
        if type(event) is Requested or type(event) is UnknownModule:
            address = self._address_of(pid) if pid else None
            if address and not message.endswith(b" (%b)" % address.encode()):
                return Unended(event)
        return event

    def _read_with_care(self, line: bytes) -> Iterator[Read]:
        if self._held:
            yield from self._end(line)
            return
        parts = self._split(line)
        if parts is None:
            self._counts["unparsed"] += 1
            return
        stamp, pid, whole = parts
        message, rest = self._part_cut_message(whole)
        yield from self._read_parts(line, (stamp, pid, message))
        if rest:
            self._counts["split"] += 1
            yield from self._read_with_care(rest)

    def _read_parts(self, line: bytes, parts: Parts) -> Iterator[Read]:
        stamp, pid, message = parts
        if pid:
            pid = self._before_pid + pid
        record = Record(self._time_of(stamp), pid, message)
        event = (
            Suspect() if self._time_of.is_suspect else self._understand(message, pid)
        )
        if not isinstance(event, Unended):
            yield record, event
        elif is_cut(message) or self._escapes_newlines():
            yield record, event.event
        else:
            self._hold(line, record, event.event)

    def _part_cut_message(self, message: bytes) -> tuple[bytes, bytes]:
        """Part a message that was cut from the record that follows on its line.

        Only at the cut may a record begin inside a line: everywhere else, what looks
        like one is a name that somebody chose.
        """
        cut = cut_position(message)
        if len(message) > cut and self._split(message[cut:]):
            return message[:cut], message[cut:]
        return message, b""

    def _hold(self, line: bytes, record: Record, event: Event) -> None:
        self._held = [line]
        self._held_bytes = len(record.message)
        self._begun = record, event

    def _goes_on(self, line: bytes) -> bool:
        """Add a line to the message that is held, unless it may end there.

        Cheap, because one message can have thousands of lines.
        """
        if line[-1:] in _LAST_BYTES or self._held_bytes + len(line) >= MESSAGE_BYTES:
            return False
        self._held.append(line)
        self._held_bytes += 1 + len(line)
        return True

    def _end(self, line: bytes) -> Iterator[Read]:
        """Add a line to the message that is held, which may end it."""
        record, event = self._begun
        self._held.append(line)
        self._held_bytes += 1 + len(line)
        if self._held_bytes <= MESSAGE_BYTES:
            # What stands between its first and its last line makes no difference.
            whole = self._understand(b"%b\n%b" % (record.message, line), record.pid)
            if whole is not None and not isinstance(whole, Unended):
                yield from self._join(self._message(), whole)
            return
        message = self._message()
        rest = message[MESSAGE_BYTES:]
        if self._split(rest):
            self._counts["split"] += 1
            yield from self._join(message[:MESSAGE_BYTES], event)
            yield from self._read_with_care(rest)
        else:
            yield from self._give_up()

    def _message(self) -> bytes:
        return b"\n".join((self._begun[0].message, *self._held[1:]))

    def _join(self, message: bytes, event: Event) -> Iterator[Read]:
        self._counts["joined"] += len(self._held) - 1
        self._held = []
        yield self._begun[0]._replace(message=message), event

    def _give_up(self) -> Iterator[Read]:
        """Take the message as it is, and each line that followed as its own."""
        record_and_event, (_, *lines) = self._begun, self._held
        self._held = []
        yield record_and_event
        for line in lines:
            if not (self._held and self._goes_on(line)):
                yield from self._read_with_care(line)


class _Times:
    """The times of a file's lines, and whether to believe them.

    latest: the last that was believed.
    suspects: how many in a row were not.
    """

    def __init__(self, log_time: LogTime, clock: Callable[[], float]) -> None:
        self.is_suspect = False
        self.latest: int | None = None
        self.suspects = 0
        self._log_time = log_time
        self._clock = clock
        self._stamp: bytes | None = b""
        self._time: int | None = None

    def __call__(self, stamp: bytes | None) -> int | None:
        """Return seconds since 1970; None where the line does not say."""
        if stamp != self._stamp:
            self._stamp = stamp
            self._time = self._read(stamp) if stamp else None
            self._judge()
        elif self.is_suspect:
            self._judge()
        return self._time

    def _read(self, stamp: bytes) -> int | None:
        if stamp[4:5] == b"/":
            return self._log_time.epoch(stamp)
        return self._log_time.syslog_epoch(stamp, self._clock())

    def _judge(self) -> None:
        when = self._time
        if when is None:
            self.is_suspect = False
            return
        latest = when if self.latest is None else self.latest
        far = when < latest - _FAR_SECONDS or when > self._clock() + _FAR_SECONDS
        self.suspects = self.suspects + 1 if far else 0
        self.is_suspect = far and self.suspects < _BELIEVED_FROM
        if not self.is_suspect:
            self.latest = when if far else max(latest, when)
