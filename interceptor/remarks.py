"""What tcpdump says on stderr: that it listens, its counts, its complaints."""

import logging
import re
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from servicekit import Health

log = logging.getLogger(__name__)

STATISTICS_SECONDS = 10

# "tcpdump: 15 packets captured, 30 packets received by filter, 0 packets dropped by
# kernel" upon SIGUSR1; the same three, a line each, at its end.
_COUNT = re.compile(r"(\d+) packets? (received by filter|dropped by kernel)")
_USUAL = re.compile(
    r"\d+ packets? (captured|dropped by interface)"
    r"|tcpdump: (verbose output suppressed|data link type)"
)


class Remarks:
    """Turns tcpdump's stderr into counters, health and log lines.

    Its counts are asked for every STATISTICS_SECONDS, so they are its sign of life too.
    """

    def __init__(self, registry: CollectorRegistry, health: Health) -> None:
        self.listening = False
        self.last_complaint = ""
        self._health = health
        self._counters = {
            "received by filter": Counter(
                "interceptor_kernel_received_packets",
                "Packets that passed the filter, as the kernel counts them",
                registry=registry,
            ),
            "dropped by kernel": Counter(
                "interceptor_kernel_dropped_packets",
                "Packets lost because tcpdump did not take them in time",
                registry=registry,
            ),
        }
        self._counted = dict.fromkeys(self._counters, 0)
        health.down("tcpdump", "not started yet")
        health.expect("capture", 3 * STATISTICS_SECONDS)

    def hear(self, lines: Iterable[bytes]) -> None:
        """Listen to one run of tcpdump, to its end."""
        self.last_complaint = ""
        self._counted = dict.fromkeys(self._counters, 0)
        for line in lines:
            self._take(line.decode("utf-8", "replace").strip())
        self.listening = False

    def _take(self, remark: str) -> None:
        if counts := _COUNT.findall(remark):
            self._count({what: int(count) for count, what in counts})
        elif "listening on" in remark:
            self.listening = True
            self._health.up("tcpdump")
            self._health.beat("capture")
            log.info("tcpdump %s", remark)
        elif _USUAL.match(remark):
            log.debug("tcpdump says: %s", remark)
        else:
            self.last_complaint = remark.removeprefix("tcpdump: ")
            log.error("tcpdump says: %s", self.last_complaint)

    def _count(self, counts: dict[str, int]) -> None:
        """Add what is new: tcpdump tells sums since its start."""
        for what, count in counts.items():
            self._counters[what].inc(max(0, count - self._counted[what]))
            self._counted[what] = count
        self._health.beat("capture")
