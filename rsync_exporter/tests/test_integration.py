"""A real rsync daemon and real clients: the exporter tells what they did."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rsync_exporter.tests.running import RunningExporter, eventually, free_port

pytestmark = pytest.mark.integration

FILE_SIZES = {"small": 1_000, "large": 300_000}

# Root's daemon would serve as nobody, who cannot enter the tests' folders.
RIGHTS = "uid = 0\ngid = 0" if os.getuid() == 0 else ""

CONFIGURATION = """\
port = {port}
address = 127.0.0.1
use chroot = no
reverse lookup = no
transfer logging = yes
log file = {folder}/rsyncd.log
{rights}

[exercise]
    path = {folder}/exercise

[inbox]
    path = {folder}/inbox
    read only = no

[private]
    path = {folder}/exercise
    auth users = alice
    secrets file = {folder}/secrets
"""


class Daemon:
    """An rsync daemon in a folder of its own, and its client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "rsyncd.log"
        self.port = free_port()
        self._provide_files()
        self._process = subprocess.Popen(
            ["rsync", "--daemon", "--no-detach", f"--config={folder}/rsyncd.conf"]
        )
        eventually(self._listens, "the daemon's first line")

    def run(
        self, *arguments: str | Path, password: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a client to its end."""
        return subprocess.run(
            ["rsync", "-rt", "--stats", "--no-human-readable", *map(str, arguments)],
            env={**os.environ, "RSYNC_PASSWORD": password},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )

    def url(self, path: str, user: str = "") -> str:
        """Return the address of something that the daemon serves."""
        return f"rsync://{user and f'{user}@'}127.0.0.1:{self.port}/{path}"

    def stop(self) -> None:
        """End the daemon."""
        with self._process:
            self._process.terminate()

    def _provide_files(self) -> None:
        for name in ("exercise", "inbox", "outbox"):
            (self.folder / name).mkdir()
        for name, size in FILE_SIZES.items():
            (self.folder / "exercise" / name).write_bytes(os.urandom(size))
        (self.folder / "outbox" / "letter").write_bytes(b"x" * 777)
        secrets = self.folder / "secrets"
        secrets.write_text("alice:wonder\n")
        secrets.chmod(0o600)
        (self.folder / "rsyncd.conf").write_text(
            CONFIGURATION.format(port=self.port, folder=self.folder, rights=RIGHTS)
        )

    def _listens(self) -> bool:
        return self.log.exists() and b"starting, listening" in self.log.read_bytes()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Run a daemon."""
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.stop()


@pytest.fixture
def exporter(
    daemon: Daemon, start_exporter: Callable[..., RunningExporter]
) -> RunningExporter:
    """Run an exporter that follows the daemon's log."""
    return start_exporter("-p", daemon.log)


def expect(exporter: RunningExporter, **counters: int) -> dict[str, float]:
    """Wait for these counters, each named as after ``rsync_``; return all metrics."""
    expected = {f"rsync_{name}_total": value for name, value in counters.items()}
    eventually(lambda: expected.items() <= exporter.metrics().items(), str(expected))
    return exporter.metrics()


def failures(metrics: dict[str, float]) -> dict[str, float]:
    """Return the failed sessions by exit code, where there are any."""
    start = "rsync_service_error_total "
    return {
        name.removeprefix(start): n
        for name, n in metrics.items()
        if start in name and n
    }


def client_bytes(stats: str, direction: str) -> int:
    """Return how much a client says it sent or received."""
    found = re.search(rf"Total bytes {direction}: (\d+)", stats)
    assert found, stats
    return int(found[1])


def test_pulls_and_pushes(daemon: Daemon, exporter: RunningExporter):
    pull = daemon.run(daemon.url("exercise/"), daemon.folder / "copy")
    push = daemon.run(daemon.folder / "outbox/letter", daemon.url("inbox/"))
    assert (pull.returncode, push.returncode) == (0, 0)
    metrics = expect(
        exporter,
        connections=2,
        executions=2,
        exchange_data_bytes=sum(FILE_SIZES.values()) + 777,
    )
    # The two ends differ by the greeting, which only one of them counts.
    received = sum(client_bytes(end.stdout, "received") for end in (pull, push))
    sent = sum(client_bytes(end.stdout, "sent") for end in (pull, push))
    assert metrics["rsync_data_sent_bytes_total"] == pytest.approx(received, abs=100)
    assert metrics["rsync_data_received_bytes_total"] == pytest.approx(sent, abs=100)
    assert not failures(metrics)
    assert metrics["rsync_exporter_lines_total unparsed"] == 0


def test_who_is_not_let_in_executes_nothing(daemon: Daemon, exporter: RunningExporter):
    copy = daemon.folder / "copy"
    assert daemon.run(daemon.url("nowhere/"), copy).returncode == 5
    private = daemon.url("private/", "alice")
    assert daemon.run(private, copy, password="guess").returncode == 5
    assert daemon.run(daemon.url("")).returncode == 0
    assert not failures(expect(exporter, connections=3, executions=0))
    assert daemon.run(private, copy, password="wonder").returncode == 0
    expect(exporter, connections=4, executions=1)


def test_a_session_that_fails(daemon: Daemon, exporter: RunningExporter):
    push = daemon.run(daemon.folder / "outbox/letter", daemon.url("exercise/"))
    assert push.returncode == 1
    metrics = expect(exporter, connections=1, executions=1)
    eventually(lambda: failures(exporter.metrics()) == {"1": 1}, "one failure")
    assert metrics["rsync_exchange_data_bytes_total"] == 0


def test_a_request_too_long_for_a_line(daemon: Daemon, exporter: RunningExporter):
    request = "exercise/" + "bb\na" * 900
    assert daemon.run(daemon.url(request), daemon.folder / "copy").returncode == 23
    daemon.run(daemon.url("exercise/small"), daemon.folder / "copy")
    expect(exporter, connections=2, executions=2, exchange_data_bytes=1_000)
    assert b"a20" in daemon.log.read_bytes()  # a record that follows a cut message


def test_a_request_that_looks_like_records(daemon: Daemon, exporter: RunningExporter):
    start = "2026/11/21 20:51:58 [1]"
    request = (
        f"exercise/connect from h (1.2.3.4)\n{start} connect from h (1.2.3.4)"
        f"\n{start} sent 9 bytes  received 9 bytes  total size 9"
    )
    assert daemon.run(daemon.url(request), daemon.folder / "copy").returncode == 23
    daemon.run(daemon.url("exercise/small"), daemon.folder / "copy")
    metrics = expect(exporter, connections=2, executions=2, exchange_data_bytes=1_000)
    assert metrics["rsync_exporter_lines_total unparsed"] == 0


def test_a_session_that_outlives_its_log(daemon: Daemon, exporter: RunningExporter):
    # 300 kB at 50 KiB/s: under way while the log is renamed.
    with subprocess.Popen(
        [
            *("rsync", "--bwlimit=50", daemon.url("exercise/large")),
            daemon.folder / "copy",
        ]
    ) as pull:
        expect(exporter, connections=1, executions=1)
        daemon.log.rename(daemon.log.with_suffix(".log.1"))
        daemon.run(daemon.url("exercise/small"), daemon.folder / "copies/")
        expect(exporter, connections=2, executions=2, exchange_data_bytes=1_000)
        assert pull.poll() is None
    assert pull.returncode == 0
    metrics = expect(exporter, exchange_data_bytes=301_000)
    assert metrics["rsync_exporter_rotations_total replaced"] == 1
    assert metrics["rsync_exporter_open_files"] == 2


def test_a_daemon_that_is_stopped_did_not_fail(
    daemon: Daemon, exporter: RunningExporter
):
    daemon.run(daemon.url("exercise/small"), daemon.folder / "copy")
    expect(exporter, connections=1, exchange_data_bytes=1_000)
    daemon.stop()
    eventually(
        lambda: (
            exporter.metrics()["rsync_exporter_file_offset_bytes"]
            == daemon.log.stat().st_size
        ),
        "the daemon's last line read",
    )
    assert not failures(exporter.metrics())
