"""The inventory: which interfaces appeared and which are gone, by a new snapshot."""

from collections.abc import Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """What a snapshot means for the rows that are open.

    opened: interfaces without an open row.
    closed: interfaces missing from enough snapshots in a row.
    missing: how many snapshots in a row each other absent interface is missing from.
    """

    opened: Set[str]
    closed: Set[str]
    missing: Mapping[str, int]

    @property
    def absent(self) -> Set[str]:
        """Every known interface that the snapshot does not list."""
        return self.closed | self.missing.keys()


def compare(
    known: Set[str], listed: Set[str], missing: Mapping[str, int], patience: int
) -> Changes:
    """Return the changes, given the interfaces that were missing before.

    patience: snapshots in a row an interface must be missing from to be closed.
    """
    counts = {name: missing.get(name, 0) + 1 for name in known - listed}
    closed = {name for name, count in counts.items() if count >= patience}
    return Changes(
        opened=listed - known,
        closed=closed,
        missing={name: n for name, n in counts.items() if name not in closed},
    )


def is_mass_change(known: Set[str], listed: Set[str], max_share: float) -> bool:
    """Return whether so much is missing that the snapshot itself is to be doubted."""
    return len(known - listed) > max_share * len(known)
