"""All the logs that are followed: paths and globs, each read on from where it was."""

import glob
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.follower import Follower


@dataclass(frozen=True)
class FollowOptions:
    """Where to begin in a log that no state knows, and how long to keep old files."""

    from_end: bool = False
    keep_rotated_seconds: float = 43_200


class Followers:
    """Reads what is new in every log."""

    def __init__(
        self,
        patterns: Sequence[str],
        options: FollowOptions,
        state: dict[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patterns = patterns
        self._options = options
        self._clock = clock
        self._streams = count(1)
        self._followers: dict[str, Follower] = {}
        self._state = state

    def poll(self, in_use: Collection[int] = ()) -> Iterator[Chunk]:  # noqa: ARG002
        """Yield the lines written since the last call; OSError at the end."""
        problem: OSError | None = None
        for pattern in self._patterns:
            for path in glob.glob(pattern) or [pattern]:  # noqa: PTH207
                try:
                    yield from self._read(path)
                except OSError as error:
                    problem = problem or error
        if problem:
            raise problem

    def progress(self) -> Sequence[Progress]:
        """Return how far each log was read."""
        return [
            Progress(
                path,
                read_bytes=position.read_bytes,
                size_bytes=position.size_bytes,
                offset_bytes=position.offset_bytes,
                open_files=position.open_files,
                rotations=position.rotations,
            )
            for path, follower in self._followers.items()
            for position in [follower.position()]
        ]

    def state(self) -> dict[str, Any]:
        """Return what a restart goes on from."""
        return {}

    def close(self) -> None:
        """Close every file."""
        for follower in self._followers.values():
            follower.close()

    def _read(self, path: str) -> Iterator[Chunk]:
        if path not in self._followers:
            self._followers[path] = Follower(
                Path(path),
                self._options.from_end,
                self._options.keep_rotated_seconds,
                self._clock,
            )
        for lines in self._followers[path].poll():
            yield Chunk(path, 1, lines, ends=True)
