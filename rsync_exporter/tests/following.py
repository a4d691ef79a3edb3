"""A log on a real disk, what writes and rotates it, and what follows it."""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.followers import Followers, FollowOptions

KEEP_SECONDS = 3600


class Clock:
    """Stands still until a test turns it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A log file, its writer, and its follower, which goes on after a restart."""

    def __init__(self, folder: Path, *, from_end: bool = False) -> None:
        self.path = folder / "rsyncd.log"
        self.clock = Clock()
        self._options = FollowOptions(from_end, keep_rotated_seconds=KEEP_SECONDS)
        self.followers = self._follow(None)

    def write(self, *lines: bytes) -> None:
        """Append lines as a new session does."""
        self.write_raw(b"".join(line + b"\n" for line in lines))

    def write_raw(self, content: bytes) -> None:
        """Append anything."""
        with self.path.open("ab") as file:
            file.write(content)

    def rename(self) -> Path:
        """Rotate as logrotate does, and return the log's new place."""
        for number in range(len(list(self.path.parent.iterdir())), 0, -1):
            for suffix in ("", ".gz"):
                old = Path(f"{self.path}.{number}{suffix}")
                if old.exists():
                    old.rename(f"{self.path}.{number + 1}{suffix}")
        return self.path.rename(f"{self.path}.1")

    def truncate(self) -> Path:
        """Rotate as logrotate does by copytruncate, and return the copy's place."""
        content = self.path.read_bytes()
        copy = self.rename()
        copy.rename(self.path)
        copy.write_bytes(content)
        os.truncate(self.path, 0)
        return copy

    def read(self, in_use: Collection[int] = ()) -> list[bytes]:
        """Return the lines that one poll finds."""
        return [line for chunk in self.chunks(in_use) for line in chunk.lines]

    def chunks(self, in_use: Collection[int] = ()) -> list[Chunk]:
        """Return what one poll finds."""
        return list(self.followers.poll(lambda: in_use))

    def progress(self) -> Progress:
        """Return how far the only log was read."""
        [progress] = self.followers.progress()
        return progress

    def rotations(self) -> dict[str, int]:
        """Return the kinds of rotation that were seen, and how often."""
        return {kind: n for kind, n in self.progress().rotations.items() if n}

    def state(self) -> dict[str, Any]:
        """Return the followers' state as a file gives it back."""
        state: dict[str, Any] = json.loads(json.dumps(self.followers.state()))
        return state

    def restart(self, state: dict[str, Any] | None = None) -> None:
        """Go on in a new process, from now or from an older state."""
        state = state or self.state()
        self.followers.close()
        self.followers = self._follow(state)

    def _follow(self, state: dict[str, Any] | None) -> Followers:
        return Followers([str(self.path)], self._options, state, self.clock)
