"""A client: a real rsync, and someone who may interfere with it."""

import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from servicekit import Stop, Stopped

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Run:
    """An rsync that is under way; its process heads a group with all its helpers."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]

    def has_begun(self) -> bool:
        """Tell whether it named a file: the name comes before the content."""
        return os.fstat(self.said.fileno()).st_size > 0

    def has_ended(self) -> bool:
        """Tell whether it is over."""
        return self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@dataclass(frozen=True)
class Client:
    """Runs rsync beside the daemon.

    port: the daemon's.
    files: the folder with the daemon's files and the client's own.
    stop: cuts every wait short.
    """

    port: int
    files: Path
    stop: Stop

    @contextmanager
    def start(self, command: str, user: str = "", password: str = "") -> Iterator[Run]:
        """Start rsync with these arguments; what is left of it afterwards is killed.

        In the arguments, DAEMON stands for the daemon's address, COPY for a new folder,
        FILES for the folder with files.
        """
        with tempfile.TemporaryDirectory() as copy, tempfile.TemporaryFile() as said:
            process = subprocess.Popen(  # noqa: S603 - the table's own words
                ["rsync", "--outbuf=L", "--out-format=%n", *self._words(command, copy)],  # noqa: S607 - of PATH
                env=_identity(user, password),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            run = Run(process, said)
            try:
                yield run
            finally:
                run.send(signal.SIGKILL)
                process.wait()

    def run(self, command: str, user: str = "", password: str = "") -> int:
        """Run rsync to its end and return its exit code."""
        with self.start(command, user, password) as run:
            self.until(run.has_ended)
            return run.process.returncode

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds. Raises Stopped or TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"still waiting after {PATIENCE_SECONDS} s")
            self.pause(POLL_SECONDS)

    def pause(self, seconds: float) -> None:
        """Let time pass. Raises Stopped."""
        if self.stop.wait(seconds):
            raise Stopped

    def _words(self, command: str, copy: str) -> Iterator[str]:
        for word in shlex.split(command):
            yield (
                word.replace("DAEMON", f"rsync://{HOST}:{self.port}")
                .replace("COPY", copy)
                .replace("FILES", str(self.files))
            )


def _identity(user: str, password: str) -> dict[str, str]:
    identity = {"USER": user, "RSYNC_PASSWORD": password}
    return {
        "PATH": os.environ["PATH"],
        **{name: value for name, value in identity.items() if value},
    }
