"""The lines of a family's samples, taken apart again.

Each is a clean series, a blank, the value, and if timestamps are kept another blank and
the timestamp. A label's value may hold blanks and braces, but no line feed; what comes
after the labels holds no brace: so the last one of a line ends its labels.
"""

import re
from typing import NamedTuple

_SERIES = rb"(.*\}|[^ \n]+)"
_SERIES_OF_LINE = re.compile(_SERIES + rb" .*\n")
_LINE = re.compile(_SERIES + rb" ([^ \n]+)(?: ([0-9]+))?\n?")


class Line(NamedTuple):
    """One sample; its timestamp, in milliseconds, is empty when there is none."""

    series: bytes
    value: bytes
    timestamp: bytes


def series_of(samples: bytes) -> list[bytes]:
    """Return the series of each line."""
    return _SERIES_OF_LINE.findall(samples)


def lines_of(samples: bytes) -> list[Line]:
    """Return each line taken apart."""
    return [Line._make(parts) for parts in _LINE.findall(samples)]
