"""A message that may go on in the next line, as far as it was read."""

from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES
from rsync_exporter.rsyncd.events import Event
from rsync_exporter.rsyncd.record import Record

# Whatever can go on in the next line ends in one of these: a client's address, the
# length or name of a file, the number of an error.
_LAST_BYTES = frozenset(b"%c" % byte for byte in b')"0123456789')


class Held:
    """A record whose message has no end yet, and the lines that may belong to it.

    event: what it means by itself.
    lines: the record's own first.
    size_bytes: of the message, all lines of it.
    """

    def __init__(self, line: bytes, record: Record, event: Event) -> None:
        self.record = record
        self.event = event
        self.lines = [line]
        self.size_bytes = len(record.message)

    def goes_on(self, line: bytes) -> bool:
        """Add a line, unless the message may end in it.

        Cheap, because one message can have thousands of lines.
        """
        if line[-1:] in _LAST_BYTES or self.size_bytes + len(line) >= MESSAGE_BYTES:
            return False
        self.add(line)
        return True

    def add(self, line: bytes) -> None:
        """Take a line for a part of the message."""
        self.lines.append(line)
        self.size_bytes += 1 + len(line)

    def ended_by(self, line: bytes) -> bytes:
        """Return what the message begins and ends with.

        What stands between makes no difference to what it means.
        """
        return b"%b\n%b" % (self.record.message, line)

    def message(self) -> bytes:
        """Return all of the message."""
        return b"\n".join((self.record.message, *self.lines[1:]))
