"""Lines of the transfer log that begin like one before: those of one session.

They name the same operation, host and address, then the file, and end in its length.
So once one of them was read in full, it takes little to read the others.
"""

from typing import NamedTuple

from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES

# No file is longer (2**64).
_MOST_DIGITS = 20


class Alike(NamedTuple):
    """What such lines have in common.

    start: all that comes before names.
    """

    start: bytes
    operation: str

    def length(self, message: bytes) -> int | None:
        """Return the file's length; None for a message that is not alike."""
        if not message.startswith(self.start) or len(message) >= MESSAGE_BYTES:
            return None
        digits = message[message.rfind(b" ", len(self.start)) + 1 :]
        return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None
