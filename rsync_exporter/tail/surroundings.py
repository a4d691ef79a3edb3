"""What the followers of all paths share, and what each of them counts."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from rsync_exporter.tail.reading import BLOCK_BYTES

# Of each log that is read, a block is in memory, and may be in a checkpoint.
_MIN_BLOCK_BYTES = 16_384

ROTATION_KINDS = ("replaced", "truncated", "recovered")


@dataclass(frozen=True)
class FollowOptions:
    """Where to begin in a log that no state knows, and how long to keep old files.

    keep_rotated_seconds: after it last grew, for a file that sessions may write to.
    """

    from_end: bool = False
    keep_rotated_seconds: float = 43_200


@dataclass
class Surroundings:
    """What is the same for every path.

    paths: everything that is followed, so no rotated file of another path.
    next_stream: the number that the next file gets.
    """

    options: FollowOptions
    clock: Callable[[], float]
    paths: Collection[str]
    next_stream: int = 0

    def block_bytes(self) -> int:
        """Return how much of a log to read at a time."""
        return max(_MIN_BLOCK_BYTES, BLOCK_BYTES // max(1, len(self.paths)))

    def number(self) -> int:
        """Return a number that no file has yet."""
        self.next_stream += 1
        return self.next_stream - 1


@dataclass
class Counts:
    """What Progress tells of the whole time, over restarts.

    read_bytes: of lines that were handed on.
    lost_bytes: known to have been in a file, and never handed on.
    """

    read_bytes: int = 0
    lost_bytes: int = 0
    rotations: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(ROTATION_KINDS, 0))
    )

    def state(self) -> dict[str, Any]:
        """Return something for JSON."""
        return {
            "read_bytes": self.read_bytes,
            "lost_bytes": self.lost_bytes,
            "rotations": dict(self.rotations),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state. Raises KeyError, TypeError or ValueError."""
        self.read_bytes = int(state["read_bytes"])
        self.lost_bytes = int(state["lost_bytes"])
        for kind in ROTATION_KINDS:
            self.rotations[kind] = int(state["rotations"][kind])
