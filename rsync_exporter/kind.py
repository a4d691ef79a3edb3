"""What kind of log some lines are from: a daemon's, or one that cannot be counted."""

import logging
import re
from collections.abc import Sequence

from rsync_exporter.rsyncd.line_format import Lines
from rsync_exporter.tail.chunk import Chunk

log = logging.getLogger(__name__)

SAMPLE_LINES = 200

# Both kinds have many messages in common, but only a client tells of its speed.
_CLIENTS = re.compile(
    rb"sent [\d,.KMGTP]+ bytes  received [\d,.KMGTP]+ bytes  [\d,.KMGTP]+ bytes/sec"
    rb"|total size is [\d,.KMGTP]+  speedup is "
    rb"|Number of files: "
)
_DAEMONS = re.compile(rb"rsyncd version |connect from |rsync (?:on|to|allowed|denied) ")


def problem(lines: Sequence[bytes], shape: Lines) -> str | None:
    """Return why these lines cannot be a daemon's; None when they may be."""
    sample = lines[:SAMPLE_LINES]
    records = [parts for parts in map(shape.split, sample) if parts]
    if sample and not records:
        return _no_log(sample)
    messages = [message for _, _, message in records]
    if any(map(_DAEMONS.match, messages)) or not any(map(_CLIENTS.match, messages)):
        return None
    return "it is the log of an rsync client, not of a daemon"


def _no_log(lines: Sequence[bytes]) -> str:
    if any(b"\0" in line for line in lines):
        return "it is a binary file"
    return "none of its lines reads as one of rsyncd's"


class Judge:
    """Looks at the first lines of each file, and warns of one that is the wrong one."""

    def __init__(self, shape: Lines) -> None:
        self._shape = shape
        self._seen: set[str] = set()

    def look_at(self, chunk: Chunk) -> None:
        """Judge a file that was not seen before."""
        if chunk.file in self._seen or not chunk.lines:
            return
        self._seen.add(chunk.file)
        if reason := problem(chunk.lines, self._shape):
            log.warning("nothing can be counted here file=%s: %s", chunk.file, reason)
