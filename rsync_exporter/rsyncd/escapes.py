r"""rsync's octal escapes: what stands for bytes that would forge or break a line.

Since 3.5.0 (CWE-117) a log has ``\#ooo`` for bytes below 0x20 but TAB, for 0x80 to 0x9f
and for a backslash that would begin such an escape (log.c, measured).
"""

import re

# rsyncd cuts a message here and then writes no newline, so that the next record follows
# on the same line (measured on 3.2.7 and 3.5.0). It cuts first and escapes afterwards.
MESSAGE_BYTES = 2047

_FIRST_ESCAPING_VERSION = (3, 5)
_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})")

_ESCAPE = re.compile(rb"\\#([0-3][0-7]{2})")

# An escaped byte takes five: four more than it counts for.
_ESCAPE_EXTRA_BYTES = 4


def are_written_by(version: str) -> bool:
    """Return whether this version of rsync writes escapes, by its number."""
    match = _VERSION.match(version)
    return match is not None and (int(match[1]), int(match[2])) >= (
        _FIRST_ESCAPING_VERSION
    )


def unescape(message: bytes) -> bytes:
    """Return the bytes that a message had before it was written."""
    if b"\\#" not in message:
        return message
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 8),)), message)


def cut_position(message: bytes) -> int:
    """Return where a message's first MESSAGE_BYTES end once they are escaped."""
    end = MESSAGE_BYTES
    for escape in _ESCAPE.finditer(message):
        if escape.start() >= end:
            break
        end += _ESCAPE_EXTRA_BYTES
    return end


def is_cut(message: bytes) -> bool:
    """Return whether a message is as long as rsyncd lets any become."""
    return len(message) >= MESSAGE_BYTES and len(message) >= cut_position(message)
