"""Records to counts: the totals since the exporter started."""

import copy
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rsync_exporter.rsyncd.line_format import Record
from rsync_exporter.rsyncd.messages import (
    Connected,
    DaemonStarted,
    Executed,
    Failed,
    Transferred,
    understand,
)

LINE_RESULTS = ("matched", "ignored", "unparsed")

# The two error lines of one session come together, so only the latest matter.
MAX_SILENCED_PROCESSES = 10_000


@dataclass
class Totals:
    """What the log has said so far."""

    connections: int = 0
    executions: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    exchanged_bytes: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    lines: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(LINE_RESULTS, 0))
    )


class Tally:
    """Adds records up, one error for each session that failed.

    A failed push logs its error twice, by its receiver and by its generator; and a
    daemon that is told to stop calls that an error too. Neither is one more failure.
    """

    def __init__(self) -> None:
        self._totals = Totals()
        self._silenced: dict[bytes, None] = {}  # a set of pids, the oldest first

    def totals(self) -> Totals:
        """Return a copy that nothing changes any more."""
        return copy.deepcopy(self._totals)

    def add(self, records: Iterable[Record | None]) -> None:
        """Count these records; None stands for a line that is none."""
        for record in records:
            self._totals.lines[self._add(record)] += 1

    def _add(self, record: Record | None) -> str:
        if record is None:
            return "unparsed"
        totals = self._totals
        match understand(record.message):
            case Connected():
                totals.connections += 1
                self._begin(record.pid)
            case Executed():
                totals.executions += 1
            case Transferred(sent, received, total_size):
                totals.sent_bytes += sent
                totals.received_bytes += received
                totals.exchanged_bytes += total_size
            case Failed(status_code):
                if self._silence(record.pid):
                    totals.errors[status_code] += 1
            case DaemonStarted():
                self._silence(record.pid)
            case None:
                return "ignored"
        return "matched"

    def _begin(self, pid: bytes | None) -> None:
        if pid is not None:
            self._silenced.pop(pid, None)

    def _silence(self, pid: bytes | None) -> bool:
        """Count no more errors of this process; False when none were counted before."""
        if pid is None:
            return True
        if pid in self._silenced:
            return False
        self._silenced[pid] = None
        if len(self._silenced) > MAX_SILENCED_PROCESSES:
            del self._silenced[next(iter(self._silenced))]
        return True
