"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Amounts of one run.

    rounds: in each, every program is started anew and measured.
    others: applications held while one pushes; many: the same, ours alone.
    seconds: of each load. scrapes: of each kind in a round.
    """

    rounds: int
    others: int
    many: int
    seconds: float
    scrapes: int
    idle_connections: int


FULL = Size(
    rounds=3, others=100, many=1000, seconds=2, scrapes=5, idle_connections=10_000
)
SMALL = Size(rounds=1, others=5, many=10, seconds=0.3, scrapes=1, idle_connections=100)
