"""What a log says, and what a program has counted of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.failure import Failed
from benchmarks.rsync_exporter.visits import Visit

# Numbers by what they are of.
type Figures = Mapping[str, float]

LINES = "lines"
CONNECTIONS = "connections"
TRANSFERS = "transfers begun"
SENT, RECEIVED = "bytes sent", "bytes received"
EXCHANGED = "bytes of all files listed"
FILES = "files sent and received"
SECONDS = "seconds of all sessions"


def errors(code: object) -> str:
    """Return the name of the number of sessions that failed with an exit code."""
    return f"errors of code {code}"


def sessions(direction: str, outcome: str) -> str:
    """Return the name of the number of sessions that ended so."""
    return f"sessions: {direction}, {outcome}"


@dataclass
class Counts:
    """What a log ought to be counted as.

    errors: sessions by exit code. sessions: by direction and outcome.
    """

    lines: int = 0
    connections: int = 0
    executions: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    exchanged_bytes: int = 0
    files: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    sessions: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, visit: Visit) -> None:
        """Count a session."""
        self.connections += 1
        self.executions += visit.direction != "none"
        self.files += visit.files
        self.sessions[visit.direction, visit.outcome] += 1
        if visit.summary:
            self.sent_bytes += visit.summary.sent
            self.received_bytes += visit.summary.received
            self.exchanged_bytes += visit.summary.total_size
        if visit.code is not None:
            self.errors[visit.code] += 1

    def figures(self) -> Figures:
        """Return the same by name."""
        return {
            LINES: self.lines,
            CONNECTIONS: self.connections,
            TRANSFERS: self.executions,
            SENT: self.sent_bytes,
            RECEIVED: self.received_bytes,
            EXCHANGED: self.exchanged_bytes,
            FILES: self.files,
            **{errors(code): self.errors[code] for code in sorted(self.errors)},
            **{sessions(*of): self.sessions[of] for of in sorted(self.sessions)},
        }


def both(one: Figures, other: Figures) -> Figures:
    """Return what two logs say together."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


def check(who: str, expected: Figures, counted: Figures) -> None:
    """Raise Failed where something was counted wrong, or not at all.

    Of the sessions' seconds nothing is expected.
    """
    if wrong := list(_differences(expected, counted)):
        raise Failed(f"{who} counts wrong: {'; '.join(wrong)}")


def _differences(expected: Figures, counted: Figures) -> Iterator[str]:
    for name, number in expected.items():
        if counted.get(name) != number:
            yield f"{name} {counted.get(name)} instead of {number}"
    for name in sorted(counted.keys() - expected.keys() - {SECONDS}):
        if counted[name]:
            yield f"{name} {counted[name]} instead of none"
