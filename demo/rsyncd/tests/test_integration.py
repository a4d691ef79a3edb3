"""The demo as a program, with shorter intervals and a smaller log."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.rsyncd.tests.running import (
    PATIENCE_SECONDS,
    eventually,
    free_port,
    write_conf,
)

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
MAX_LOG_BYTES = 3_000

type Demo = subprocess.Popen[bytes]


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Demo]:
    """Run the demo in a folder of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo.rsyncd"],
        cwd=ROOT,
        env={
            **os.environ,
            "RSYNCD_CONFIG": str(write_conf(folder, uid="root")),
            "PULL_INTERVAL_SECONDS": "0.1",
            "VISIT_PAUSE_SECONDS": "0.1",
            "HEALTH_PORT": str(free_port()),
            **settings,
        },
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def pulls(log: Path) -> int:
    """Return how often the log says that somebody pulled the module exercise."""
    pull = b"rsync on exercise/ from localhost"
    return log.read_bytes().count(pull) if log.exists() else 0


def daemon_of(demo: Demo) -> int:
    """Return the process number of the demo's daemon."""
    search = ["pgrep", "--parent", str(demo.pid), "--full", "--", "--daemon"]
    return int(subprocess.run(search, capture_output=True, check=True).stdout)


def test_it_pulls_again_and_again_and_its_logs_stay_small(tmp_path: Path):
    logs = [tmp_path / "rsyncd.log", tmp_path / "photos.log"]
    old_logs = [Path(f"{log}.1") for log in logs]
    with running(tmp_path, MAX_LOG_BYTES=str(MAX_LOG_BYTES)) as demo:
        eventually(lambda: pulls(old_logs[0]) > 0, "a rotated log")
        eventually(lambda: pulls(logs[0]) > 0, "a new log")
        assert demo.poll() is None
    half_a_second = 20_000
    for path in (logs[0], old_logs[0]):
        assert path.stat().st_size < MAX_LOG_BYTES + half_a_second


def test_its_daemon_restarts_and_the_pulls_go_on(tmp_path: Path):
    log = tmp_path / "rsyncd.log"
    with running(tmp_path, RESTART_INTERVAL_SECONDS="1") as demo:
        eventually(lambda: log.exists() and starts(log) > 1, "a second start")
        before = pulls(log)
        eventually(lambda: pulls(log) > before + 5, "more pulls")
        assert demo.poll() is None


def starts(log: Path) -> int:
    """Return how often the log says that the daemon started."""
    return log.read_bytes().count(b" starting, listening on port ")


def test_it_stops_when_asked_in_the_midst_of_anything(tmp_path: Path):
    with running(tmp_path) as demo:
        eventually(lambda: pulls(tmp_path / "rsyncd.log") > 0, "a pull")
        demo.terminate()
        assert demo.wait(timeout=5) == 0


def test_it_ends_with_its_daemon(tmp_path: Path):
    with running(tmp_path) as demo:
        eventually(lambda: pulls(tmp_path / "rsyncd.log") > 0, "a pull")
        os.kill(daemon_of(demo), signal.SIGKILL)
        assert demo.wait(timeout=PATIENCE_SECONDS) == 1


def test_a_configuration_it_cannot_use_is_told_in_a_line(tmp_path: Path):
    conf = tmp_path / "rsyncd.conf"
    conf.write_text("[exercise]\npath = /srv\n")
    done = subprocess.run(
        [sys.executable, "-m", "demo.rsyncd"],
        cwd=ROOT,
        env={**os.environ, "RSYNCD_CONFIG": str(conf)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 2
    assert done.stderr == f"RSYNCD_CONFIG: {conf}: no 'port'\n"
