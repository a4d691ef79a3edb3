"""When a rotated file is closed: sessions may write to it for hours, but it costs.

Each open file costs a file descriptor, and a deleted one its place on the disk.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from rsync_exporter.tail.generation import Generation

# Returns the streams of which more lines are expected, whatever the files are called.
type InUse = Callable[[], Collection[int]]

MAX_OPEN_FILES = 16

# A rotated file that no session is known to write to is closed after this.
IDLE_SECONDS = 60


def to_close(
    rotated: Iterable[Generation],
    in_use: InUse,
    keep_seconds: float,
    now: float,
) -> Iterator[Generation]:
    """Yield the open files that were idle for long, and the oldest of too many.

    in_use: says of which more lines are expected; they may be idle for keep_seconds.
    """
    oldest_first = sorted(rotated, key=lambda each: each.changed_at)
    spare = len(oldest_first) - MAX_OPEN_FILES
    used = in_use() if oldest_first else ()
    for place, generation in enumerate(oldest_first):
        is_used = generation.stream in used
        limit = keep_seconds if is_used else min(keep_seconds, IDLE_SECONDS)
        if place < spare or now >= generation.changed_at + limit:
            yield generation
