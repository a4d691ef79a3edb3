import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interceptor.program import Process, Program
from servicekit import Stop


class Ends:
    """Keeps the reasons that a program ended for."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def first_line(process: Process) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.read()
    return line.decode().strip()


def is_running(pid: int) -> bool:
    """Return whether the process is there, and no zombie."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_that_ends_is_started_again(caplog: pytest.LogCaptureFixture):
    ends = Ends()
    with Program("child", python("exit(3)"), None, ends, Stop()):
        wait_until(lambda: len(ends.reasons) >= 2)
    assert set(ends.reasons) == {"exit code 3"}
    assert "child ended reason=exit code 3 retry_in_seconds=" in caplog.text


def test_last_words_are_part_of_the_reason():
    ends = Ends()
    with Program("child", python("print('no such device')"), first_line, ends, Stop()):
        wait_until(lambda: ends.reasons)
    assert ends.reasons[0] == "exit code 0: no such device"


def test_a_program_that_is_not_there_is_a_reason():
    ends = Ends()
    with Program("child", ["/nowhere/tcpdump"], None, ends, Stop()):
        wait_until(lambda: ends.reasons)
    assert ends.reasons[0] == "[Errno 2] No such file or directory: '/nowhere/tcpdump'"


def test_the_end_reaches_the_whole_group(tmp_path: Path):
    """What the program has started ends too, and the program's end is no failure."""
    pids = tmp_path / "pids"
    script = f"""
import os, subprocess, time
child = subprocess.Popen(["sleep", "60"])
with open({str(pids)!r}, "w") as file:
    print(os.getpid(), child.pid, file=file, flush=True)
time.sleep(60)
"""
    ends = Ends()
    with Program("child", python(script), None, ends, Stop()):
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        running = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_running, running))
    wait_until(lambda: not any(map(is_running, running)))
    assert ends.reasons == []


def test_a_program_deaf_to_sigterm_is_killed(tmp_path: Path):
    ready = tmp_path / "ready"
    script = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    started = time.monotonic()
    with Program("child", python(script), None, Ends(), Stop()):
        wait_until(ready.exists)
    assert time.monotonic() - started < 10


def test_signals_reach_the_program():
    ends = Ends()
    script = "import time; print('up', flush=True); time.sleep(60)"
    told: list[str] = []

    def attend(process: Process) -> str:
        assert process.stdout is not None
        told.append(process.stdout.readline().decode())
        return ""

    with Program("child", python(script), attend, ends, Stop()) as program:
        wait_until(lambda: told)
        program.send_signal(signal.SIGUSR1)
        wait_until(lambda: ends.reasons)
    assert ends.reasons[0] == f"exit code {-signal.SIGUSR1}"


def test_a_crash_of_ours_stops_the_service_and_is_raised():
    def attend(_: Process) -> str:
        raise ZeroDivisionError

    stop = Stop()
    with (
        pytest.raises(ZeroDivisionError),
        Program("child", python("import time; time.sleep(60)"), attend, Ends(), stop),
    ):
        assert stop.wait(10)
