"""The demo's daemon and client, with a shorter interval and a smaller log."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parents[1]
PATIENCE_SECONDS = 20
MAX_LOG_BYTES = 1_000

# Root's daemon would serve as nobody, who cannot enter the tests' folders.
RIGHTS = "uid = 0\ngid = 0" if os.getuid() == 0 else ""

CONFIGURATION = """\
port = {port}
address = localhost
use chroot = no
log file = {folder}/rsyncd.log
{rights}

[exercise]
    path = {folder}
"""


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the demo in a folder of its own."""
    configuration = tmp_path / "rsyncd.conf"
    configuration.write_text(
        CONFIGURATION.format(port=free_port(), folder=tmp_path, rights=RIGHTS)
    )
    with subprocess.Popen(
        [FOLDER / "run.sh"],
        env={
            **os.environ,
            "RSYNCD_CONFIG": str(configuration),
            "PULL_INTERVAL_SECONDS": "0.1",
            "MAX_LOG_BYTES": str(MAX_LOG_BYTES),
            "LAST_PULL_FILE": str(tmp_path / "last-pull"),
        },
    ) as process:
        yield process
        process.terminate()


def daemon_of(demo: subprocess.Popen[bytes]) -> int:
    """Return the process number of the demo's daemon."""
    search = ["pgrep", "--parent", str(demo.pid), "--full", "daemon"]
    return int(subprocess.run(search, capture_output=True, check=True).stdout)


def test_it_pulls_again_and_again_and_its_log_stays_small(
    demo: subprocess.Popen[bytes], tmp_path: Path
):
    log, old_log = tmp_path / "rsyncd.log", tmp_path / "rsyncd.log.1"
    eventually(old_log.exists)
    eventually(log.exists)
    one_session = 1_000
    for path in (log, old_log):
        assert path.stat().st_size < MAX_LOG_BYTES + one_session
    assert b"rsync on exercise/ from localhost" in old_log.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("rsyncd.conf", "rsyncd.log", "rsyncd.log.1", "last-pull")
    }
    assert demo.poll() is None


def test_it_stops_when_asked(demo: subprocess.Popen[bytes], tmp_path: Path):
    eventually((tmp_path / "last-pull").exists)
    demo.terminate()
    assert demo.wait(timeout=5) == 0


def test_it_ends_with_its_daemon(demo: subprocess.Popen[bytes], tmp_path: Path):
    eventually((tmp_path / "last-pull").exists)
    os.kill(daemon_of(demo), signal.SIGKILL)
    assert demo.wait(timeout=PATIENCE_SECONDS) == 1
