"""What has been counted: plain numbers by label values, cheap to add to and to copy."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rsync_exporter.rsyncd.events import Summary

# The log's times are whole seconds.
DURATION_BOUNDS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400)
BYTES_BOUNDS = tuple(2**power for power in range(10, 43, 4))


@dataclass
class Histogram:
    """Observations by label values; ``buckets`` has each label's own bucket last."""

    bounds: Sequence[int]
    buckets: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    sums: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def observe(self, labels: tuple[str, str], value: int) -> None:
        """Count a value."""
        module, direction = labels
        self.buckets[module, direction, bisect_left(self.bounds, value)] += 1
        self.sums[labels] += value

    def copy(self) -> "Histogram":
        """Return a copy that nothing changes any more."""
        return Histogram(self.bounds, self.buckets.copy(), self.sums.copy())


@dataclass
class Ledger:
    """Every count, by the label values in the order of the metric's labels."""

    connections: int = 0
    executions: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    exchanged_bytes: int = 0
    status_codes: Counter[int] = field(default_factory=Counter)
    sessions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    module_sent_bytes: Counter[str] = field(default_factory=Counter)
    module_received_bytes: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    file_errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    vanished_files: Counter[str] = field(default_factory=Counter)
    authentication_failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    denied: Counter[str] = field(default_factory=Counter)
    unknown_modules: int = 0
    module_lists: int = 0
    without_request: int = 0
    exhausted: Counter[str] = field(default_factory=Counter)
    connection_limits: dict[str, int] = field(default_factory=dict)
    files: Counter[tuple[str, str]] = field(default_factory=Counter)
    file_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    transferred_file_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_session: dict[tuple[str, str], int] = field(default_factory=dict)
    last_success: dict[tuple[str, str], int] = field(default_factory=dict)
    lookup_failures: int = 0
    daemon_starts: int = 0
    daemon: dict[tuple[str, str], int] = field(default_factory=dict)
    clock_regressions: int = 0
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    durations: Histogram = field(default_factory=lambda: Histogram(DURATION_BOUNDS))
    transferred: Histogram = field(default_factory=lambda: Histogram(BYTES_BOUNDS))

    def add_summary(self, module: str, summary: Summary) -> None:
        """Count the bytes of a transfer."""
        self.sent_bytes += summary.sent
        self.received_bytes += summary.received
        self.exchanged_bytes += summary.total_size
        self.module_sent_bytes[module] += summary.sent
        self.module_received_bytes[module] += summary.received

    def copy(self) -> "Ledger":
        """Return a copy that nothing changes any more."""
        copies: dict[str, Any] = {
            item.name: value.copy()
            for item in fields(self)
            if not isinstance(value := getattr(self, item.name), int)
        }
        return replace(self, **copies)

    def state(self) -> dict[str, Any]:
        """Return every count, for a checkpoint."""
        return {item.name: _dumped(getattr(self, item.name)) for item in fields(self)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        for name, value in state.items():
            current = getattr(self, name)
            if isinstance(current, int):
                setattr(self, name, int(value))
            elif isinstance(current, Histogram):
                current.buckets.update(_loaded(value["buckets"]))
                current.sums.update(_loaded(value["sums"]))
            else:
                current.update(_loaded(value))


def _dumped(value: Any) -> Any:  # noqa: ANN401 - any of the fields above
    if isinstance(value, int):
        return value
    if isinstance(value, Histogram):
        return {"buckets": _dumped(value.buckets), "sums": _dumped(value.sums)}
    return [[key, number] for key, number in value.items()]


def _loaded(items: Sequence[tuple[Any, int]]) -> dict[Any, int]:
    return {
        tuple(key) if isinstance(key, list) else key: number for key, number in items
    }
