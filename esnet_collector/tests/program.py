"""The collector as a program, and how to see from outside what it does."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Program:
    """The collector as its users start it, by a set of variables."""

    variables: Mapping[str, str]

    def with_(self, **variables: object) -> "Program":
        """Return the program with other settings."""
        changed = {name: str(value) for name, value in variables.items()}
        return Program(MappingProxyType({**self.variables, **changed}))

    def once(self) -> subprocess.CompletedProcess[str]:
        """Make one pass."""
        return self.command("once")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self._command(*arguments),
            env=self._environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=55,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator["Running"]:
        """Run in the background; killed when the block ends, if it still runs."""
        with subprocess.Popen(
            self._command(*arguments),
            env=self._environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "esnet_collector", *arguments]

    def _environ(self) -> dict[str, str]:
        path = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
        return path | {"PYTHONUNBUFFERED": "1"} | dict(self.variables)


class Running:
    """A collector in the background."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[str] = []

    def await_line(self, words: str) -> str:
        """Read the log until a line has these words, and return it."""
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return line
        raise AssertionError(f"no line with {words!r} in {self.lines}")

    def kill(self) -> None:
        """End it as the machine would: at once, without a word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def terminate(self) -> tuple[int, float]:
        """Ask it to end; return its exit code and the seconds it took."""
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout
        self.lines += self._process.stdout.read().splitlines()
        return self._process.wait(20), time.monotonic() - started


def healthz(program: Program) -> dict[str, str] | None:
    """Return what a running collector says is wrong; None when it does not answer."""
    port = int(program.variables["METRICS_PORT"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        told = json.loads(response.read())
    except OSError:
        return None
    finally:
        connection.close()
    problems: dict[str, str] = told["problems"]
    assert response.status == (503 if problems else 200)
    return problems
