"""The daemon's process."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 5


class Daemon:
    """An rsync daemon that runs until it is closed.

    on_end: told the exit code when the daemon ends by itself.
    """

    def __init__(self, conf: Path, on_end: Callable[[int], None]) -> None:
        self._command = ("rsync", "--daemon", "--no-detach", f"--config={conf}")
        self._on_end = on_end
        self._start()

    def restart(self) -> None:
        """Replace the process. Sessions go on: each has a process of its own."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the process."""
        self._expected.set()
        self._process.terminate()
        self._watch.join(PATIENCE_SECONDS)
        self._process.kill()
        self._watch.join()

    def _start(self) -> None:
        self._expected = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - no user's words
            self._command,
            # A daemon whose standard input is a socket takes that for its only client.
            stdin=subprocess.DEVNULL,
        )
        self._watch = threading.Thread(
            target=self._wait, args=[self._process, self._expected], name="daemon"
        )
        self._watch.start()

    def _wait(
        self, process: subprocess.Popen[bytes], expected: threading.Event
    ) -> None:
        code = process.wait()
        if not expected.is_set():
            self._on_end(code)
