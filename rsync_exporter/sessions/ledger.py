"""What has been counted: plain numbers by label values, cheap to add to and to copy."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from rsync_exporter.rsyncd.events import Summary

# The log's times are whole seconds.
DURATION_BOUNDS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400)
BYTES_BOUNDS = tuple(2**power for power in range(10, 43, 4))


@dataclass
class Cells:
    """Counts that belong together, in one list for each combination of label values."""

    size: int
    by_labels: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def of(self, labels: tuple[str, str]) -> list[int]:
        """Return the counts of these label values, to add to them."""
        cell = self.by_labels.get(labels)
        if cell is None:
            cell = self.by_labels[labels] = [0] * self.size
        return cell

    def copy(self) -> Self:
        """Return a copy that nothing changes any more."""
        cells = {labels: cell.copy() for labels, cell in self.by_labels.items()}
        return replace(self, by_labels=cells)

    def restore(self, cells: Mapping[tuple[str, str], list[int]]) -> None:
        """Go on from these. Raises ValueError where they are of another size."""
        if any(len(cell) != self.size for cell in cells.values()):
            raise ValueError(f"{self.size} counts each were expected")
        self.by_labels.update(cells)


@dataclass
class Histogram(Cells):
    """Observations: how many fell into each bucket, and at the end the sum of all."""

    bounds: Sequence[int] = ()

    def observe(self, labels: tuple[str, str], value: int) -> None:
        """Count a value."""
        cell = self.by_labels.get(labels) or self.of(labels)
        cell[bisect_left(self.bounds, value)] += 1
        cell[-1] += value


@dataclass
class Ledger:
    """Every count, by the label values in the order of the metric's labels.

    files: how many, and bytes of their own.
    transferred_file_bytes: on the wire, where lines say it.
    """

    connections: int = 0
    executions: int = 0
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
    files: Cells = field(default_factory=lambda: Cells(2))
    transferred_file_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_session: dict[tuple[str, str], int] = field(default_factory=dict)
    last_success: dict[tuple[str, str], int] = field(default_factory=dict)
    lookup_failures: int = 0
    daemon_starts: int = 0
    daemon: dict[tuple[str, str], int] = field(default_factory=dict)
    clock_regressions: int = 0
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    durations: Histogram = field(default_factory=lambda: _histogram(DURATION_BOUNDS))
    transferred: Histogram = field(default_factory=lambda: _histogram(BYTES_BOUNDS))

    def add_summary(self, module: str, summary: Summary) -> None:
        """Count the bytes of a transfer."""
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
            elif isinstance(current, Cells):
                current.restore(_loaded(value))
            else:
                current.update(_loaded(value))


def _histogram(bounds: Sequence[int]) -> Histogram:
    return Histogram(len(bounds) + 2, bounds=bounds)


def _dumped(value: Any) -> Any:  # noqa: ANN401 - any of the fields above
    if isinstance(value, int):
        return value
    counts = value.by_labels if isinstance(value, Cells) else value
    return [[key, number] for key, number in counts.items()]


def _loaded(items: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    return {
        tuple(key) if isinstance(key, list) else key: number for key, number in items
    }
