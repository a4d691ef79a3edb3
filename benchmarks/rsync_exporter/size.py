"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Amounts of one run.

    rounds: in each, every program is started anew and measured.
    lines: of the log that all read; many_lines, more_lines: of those that only ours
        reads, from the start and after a restart.
    idle_scrapes: five seconds after each other.
    """

    rounds: int
    lines: int
    open_sessions: int
    idle_scrapes: int
    many_lines: int
    more_lines: int
    lost_sessions: int


FULL = Size(
    rounds=3,
    lines=1_000_000,
    open_sessions=10_000,
    idle_scrapes=4,
    many_lines=10_000_000,
    more_lines=100_000,
    lost_sessions=200_000,
)
SMALL = Size(
    rounds=1,
    lines=20_000,
    open_sessions=200,
    idle_scrapes=1,
    many_lines=50_000,
    more_lines=5_000,
    lost_sessions=2_000,
)
