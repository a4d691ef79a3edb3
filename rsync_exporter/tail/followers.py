"""All the logs that are followed: paths and globs, each read on from where it was."""

import errno
import glob
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.closing import InUse
from rsync_exporter.tail.follower import Follower
from rsync_exporter.tail.merge import IsHolding, Merge
from rsync_exporter.tail.siblings import is_called_after
from rsync_exporter.tail.surroundings import FollowOptions, Surroundings

__all__ = ["FollowOptions", "Followers"]

# A folder is not read more often than this for files that match.
RESCAN_SECONDS = 1


class Followers:
    """Reads what is new in every log, in the order of the lines' times.

    Every line is handed on exactly once, over rotations of the logs and restarts of
    the reader, when what is counted and ``state`` are stored together.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        options: FollowOptions,
        state: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        optional: Collection[str] = (),
    ) -> None:
        """Go on from what ``state`` returned, or begin.

        optional: paths of the patterns that may have no file, while another has one.
        Raises KeyError, TypeError or ValueError when it is nothing that fits.
        """
        self._patterns = [_Pattern(text) for text in dict.fromkeys(patterns)]
        self._optional = {_Pattern(text).path for text in optional}
        self._followers: dict[str, Follower] = {}
        self._known_patterns: Collection[str] = ()
        self._around = Surroundings(options, clock, self._followers.keys())
        self._found_at: float | None = None
        self._unmatched: list[OSError] = []
        self._order: Sequence[str] = ()
        self._merge = Merge(() if state is None else state["unread"])
        if state is not None:
            self._restore(state)

    def poll(
        self,
        in_use: InUse = tuple,
        is_holding: IsHolding = lambda _stream: False,
    ) -> Iterator[Chunk]:
        """Yield the lines written since the last call, block by block.

        in_use: says of which streams more lines are expected.
        is_holding: whether a stream's next line may be the rest of the one before.
        Raises OSError at the end when a log is missing, or cannot be read.
        """
        problems = self._find()
        polls = {
            path: partial(self._followers[path].poll, in_use) for path in self._order
        }
        yield from self._merge.merge(polls, is_holding)
        problems.extend(self._problems())
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise OSError("; ".join(map(str, problems)))

    def progress(self) -> Sequence[Progress]:
        """Return how far each log was read."""
        return [follower.progress() for follower in self._followers.values()]

    def state(self) -> dict[str, Any]:
        """Return what a restart goes on from, at any time between two chunks."""
        return {
            "patterns": [pattern.text for pattern in self._patterns],
            "next_stream": self._around.next_stream,
            "paths": {path: each.state() for path, each in self._followers.items()},
            "unread": self._merge.state(),
        }

    def close(self) -> None:
        """Close every file."""
        for follower in self._followers.values():
            follower.close()

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._around.next_stream = int(state["next_stream"])
        self._known_patterns = set(map(str, state["patterns"]))
        for path, values in state["paths"].items():
            if any(pattern.matches(path) for pattern in self._patterns):
                self._followers[path] = Follower(path, self._around, values)

    @property
    def _named(self) -> set[str]:
        return {pattern.path for pattern in self._patterns if pattern.path}

    def _problems(self) -> Iterator[OSError]:
        """Yield what is wrong with the logs that were just read.

        One that a glob has found may be gone, and an optional one may be missing.
        """
        problems = self._merge.problems()
        missing = {
            path
            for path, error in problems.items()
            if isinstance(error, FileNotFoundError)
        }
        excused = missing - self._required(missing)
        yield from (error for path, error in problems.items() if path not in excused)

    def _required(self, missing: Set[str]) -> Set[str]:
        """Return where logs have to be; when all are optional, one has to be there."""
        required = self._named - self._optional
        return required or (self._named if self._named <= missing else set())

    def _find(self) -> list[OSError]:
        """Follow what came into being since; return what should be there and is not."""
        now, before = self._around.clock(), self._found_at
        if before is not None and now < before + RESCAN_SECONDS:
            return list(self._unmatched)
        self._found_at = now
        self._unmatched = []
        for pattern in self._patterns:
            self._follow(pattern, is_first=before is None)
        self._order = sorted(self._followers, key=self._rank)
        return list(self._unmatched)

    def _follow(self, pattern: "_Pattern", *, is_first: bool) -> None:
        found = pattern.found()
        is_old = not is_first or pattern.text in self._known_patterns
        from_end = self._around.options.from_end and not is_old
        for path in found:
            if path not in self._followers and not self._is_rotated(path, found):
                follower = Follower(path, self._around, from_end=from_end)
                self._followers[path] = follower
        if not found and not any(map(pattern.matches, self._followers)):
            text = os.strerror(errno.ENOENT)
            self._unmatched.append(FileNotFoundError(errno.ENOENT, text, pattern.text))

    def _rank(self, path: str) -> int:
        """Return the place of the first pattern that a path is followed for."""
        patterns = enumerate(self._patterns)
        return next(place for place, pattern in patterns if pattern.matches(path))

    def _is_rotated(self, path: str, found: Collection[str]) -> bool:
        """Tell whether a match is what another one was before its rotation."""
        folder, name = os.path.split(path)
        logs = (os.path.split(each) for each in {*found, *self._followers} - {path})
        return path not in self._named and any(
            folder == other_folder and is_called_after(name, other)
            for other_folder, other in logs
        )


class _Pattern:
    """A path, or a glob for several; a path may be escaped to be taken as it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        is_glob = glob.has_magic(re.sub(r"\[[*?[]\]", "", text))
        self.path = None if is_glob else re.sub(r"\[([*?[])\]", r"\1", text)
        self._names = re.compile(glob.translate(text, recursive=True))

    def matches(self, path: str) -> bool:
        return path == self.path or bool(self._names.match(path))

    def found(self) -> list[str]:
        if self.path:
            return [self.path]
        return sorted(glob.glob(self.text, recursive=True))  # noqa: PTH207
