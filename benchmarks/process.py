"""Servers as real processes: started, waited for, weighed and stopped."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.connection import Connection, get
from benchmarks.failure import Failed

START_SECONDS = 30
STOP_SECONDS = 20


@dataclass(frozen=True)
class Program:
    """A server as its users start it.

    ready: the path that answers 200 once it is there.
    command, files: ``{port}`` and ``{second_port}`` in them stand for free ports, and
        ``{folder}`` for where the files, by their names, are written.
    """

    name: str
    ready: str
    command: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)


class Running:
    """A server that answers."""

    def __init__(
        self, process: subprocess.Popen[bytes], ports: tuple[int, int]
    ) -> None:
        self.port, self.second_port = ports
        self._process = process

    def memory_bytes(self) -> int:
        """Return the resident memory of the process and of all below it."""
        return sum(map(_resident_bytes, _family(self._process.pid)))

    def processor_seconds(self) -> float:
        """Return what the process and all below it have had of a core's time."""
        return sum(map(_processor_seconds, _family(self._process.pid)))


@contextmanager
def running(program: Program) -> Iterator[Running]:
    """Run a server, with the system's choice of ports, while the block runs.

    Raises Failed.
    """
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log").open("wb") as log:
        folder, ports = Path(name), (_free_port(), _free_port())
        process = subprocess.Popen(  # noqa: S603 - a command of this folder
            _prepared(program, folder, ports), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_answer(program, process, ports[0], folder / "log")
            yield Running(process, ports)
        finally:
            _stop(process)


def output_of(command: Sequence[str], timeout_seconds: float) -> str:
    """Return what a command prints. Raises Failed when it fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - a command of this folder
            command, check=True, capture_output=True, timeout=timeout_seconds
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace")[-2000:]
        raise Failed(f"{command[0]} ends with {error.returncode}: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} takes more than {timeout_seconds} s") from error
    return done.stdout.decode(errors="replace")


def _prepared(program: Program, folder: Path, ports: tuple[int, int]) -> list[str]:
    places = {"port": ports[0], "second_port": ports[1], "folder": folder}
    for name, text in program.files.items():
        (folder / name).write_text(text.format(**places), encoding="utf-8")
    return [word.format(**places) for word in program.command]


def _await_answer(
    program: Program, process: subprocess.Popen[bytes], port: int, log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port, program.ready):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise Failed(f"{program.name} does not answer; it said: {said}")
        time.sleep(0.02)


def _answers(port: int, path: str) -> bool:
    try:
        with Connection(port) as connection:
            return connection.exchange(get(path)).status == 200
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in _children(task):
            yield from _family(child)


def _children(task: Path) -> list[int]:
    try:
        return list(map(int, (task / "children").read_text(encoding="ascii").split()))
    except (FileNotFoundError, ProcessLookupError):
        return []  # the thread has ended meanwhile


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _processor_seconds(pid: int) -> float:
    # What clock_getcpuclockid(3) makes of a process: to the nanosecond, where /proc has
    # hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)
