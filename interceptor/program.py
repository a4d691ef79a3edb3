"""Other programs as parts of the service: started, started again, and ended with it."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

from interceptor.worker import Worker
from servicekit import Backoff, Stop

log = logging.getLogger(__name__)

RESTART = Backoff(initial_seconds=0.5, maximum_seconds=10)
# A program that ran this long was well, so its next failure is the first one again.
STEADY_SECONDS = 60
END_SECONDS = 1.5

type Process = subprocess.Popen[bytes]


class Program:
    """A program that runs while the block does, in a process group of its own.

    name: as the log calls it.
    attend: reads its output to the end and returns its last words; without it, all
        output is discarded.
    on_end: told why, whenever the program ends by itself.
    stop: set if the code here crashes.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        attend: Callable[[Process], str] | None,
        on_end: Callable[[str], None],
        stop: Stop,
    ) -> None:
        self._name = name
        self._command = command
        self._attend = attend
        self._on_end = on_end
        self._ending = Stop()
        self._starting = threading.Lock()
        self._process: Process | None = None
        self._worker = Worker(name, self._run, stop)

    def __enter__(self) -> Self:
        """Start the program."""
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the program and whatever it started."""
        self._ending.set()
        self.send_signal(signal.SIGTERM)
        if not self._worker.finish(END_SECONDS):
            self.send_signal(signal.SIGKILL)
            self._worker.finish(END_SECONDS)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program's group, if it runs."""
        with self._starting, suppress(ProcessLookupError):
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, number)

    def _run(self) -> None:
        delays = RESTART.delays()
        while not self._ending.is_set():
            started = time.monotonic()
            reason = self._run_once()
            if self._ending.is_set():
                return
            if time.monotonic() - started > STEADY_SECONDS:
                delays = RESTART.delays()
            delay = next(delays)
            log.error(
                "%s ended reason=%s retry_in_seconds=%.1f", self._name, reason, delay
            )
            self._on_end(reason)
            self._ending.wait(delay)

    def _run_once(self) -> str:
        """Run the program to its end and return the reason for it."""
        try:
            process = self._start()
        except OSError as error:
            return str(error)
        with process:
            try:
                last_words = self._attend(process) if self._attend else ""
            except BaseException:
                process.kill()  # nobody reads it any more
                raise
            code = process.wait()
        return f"exit code {code}: {last_words}" if last_words else f"exit code {code}"

    def _start(self) -> Process:
        output = subprocess.PIPE if self._attend else subprocess.DEVNULL
        with self._starting:
            self._process = subprocess.Popen(  # noqa: S603 - our own argument list
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if self._ending.is_set():  # set in between, so its signal came too early
            self.send_signal(signal.SIGTERM)
        return self._process
