"""The exporter as a program of its own, asked over HTTP as Prometheus does."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class RunningExporter:
    """An exporter in a process of its own.

    environment: variables beside those of the tests.
    stdin, user: as subprocess.Popen takes them.
    """

    def __init__(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        stdin: int | None = None,
        user: int | None = None,
    ) -> None:
        self.port = free_port()
        # Of its own: what one user leaves there, another may not write.
        self._temporary = Path(tempfile.mkdtemp())
        self._temporary.chmod(0o777)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rsync_exporter", "-s", "0.05"),
                *("-x", str(self.port), *map(str, arguments)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "TMPDIR": str(self._temporary),
                **(environment or {}),
            },
            stdin=stdin,
            user=user,
        )
        try:
            eventually(self._answers, "an answer from the exporter")
        except BaseException:
            self.kill()
            raise

    def ask(self, path: str) -> tuple[int, str]:
        """Return the status and body of an answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return the status of /healthz and the reasons it gives."""
        status, body = self.ask("/healthz")
        return status, json.loads(body)["problems"]

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return the status of /readyz and the reasons it gives."""
        status, body = self.ask("/readyz")
        return status, json.loads(body)["problems"]

    def metrics(self) -> dict[str, float]:
        """Return each sample's value by its name and label value."""
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(self.ask("/metrics")[1])
            for sample in family.samples
        }

    def stop(self) -> str:
        """Ask it to stop, check that it does so in good order, and return its log."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=5)
        assert self.process.returncode == 0, output
        return output

    def kill(self) -> None:
        """End it if it still runs."""
        with self.process:
            self.process.kill()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return self.ask("/metrics")[0] == 200
        except OSError:
            return False
