"""Whatever becomes of its files, the exporter runs on, and says what is wrong."""

import itertools
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rsync_exporter.tests.running import RunningExporter, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "rsyncd_default_raw.log"
CONNECTIONS = (
    f"2026/11/21 20:58:49 [{pid}] connect from h (192.0.2.1)\n"
    for pid in itertools.count(7)
)

# Rights mean nothing to root, so there its exporter runs as somebody else.
SOMEBODY = 65_534 if os.getuid() == 0 else None

type StartExporter = Callable[..., RunningExporter]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


class Followed:
    """An exporter with its log, and perhaps with no more rights than anybody has."""

    def __init__(
        self,
        start: StartExporter,
        folder: Path,
        user: int | None = SOMEBODY,
        **environment: str,
    ) -> None:
        self.log = folder / "rsyncd.log"
        self.connect()
        self.exporter = start(
            *("-p", self.log),
            environment=environment,
            user=user,
        )
        self.expect_connections(1)

    def write(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def connect(self, times: int = 1) -> None:
        """Log connections, each by a process of its own."""
        self.write("".join(itertools.islice(CONNECTIONS, times)))

    def value(self, name: str) -> float:
        """Return the sum of a metric's values, whatever its labels."""
        return sum(
            value
            for sample, value in self.exporter.metrics().items()
            if sample.split()[0] == name
        )

    def expect_connections(self, number: int) -> None:
        eventually(
            lambda: self.value("rsync_connections_total") == number,
            f"{number} connections",
        )

    def expect_unwell(self, reason: str) -> None:
        def tells() -> bool:
            status, problems = self.exporter.health()
            return status == 503 and reason in problems.get("log", "")

        eventually(tells, f"/healthz with {reason!r}")
        assert self.value("rsync_exporter_up") == 0

    def expect_well(self) -> None:
        eventually(lambda: self.exporter.health() == (200, {}), "/healthz well")
        assert self.value("rsync_exporter_up") == 1


@pytest.fixture
def followed(start_exporter: StartExporter, folder: Path) -> Followed:
    """Return an exporter that has counted one connection."""
    return Followed(start_exporter, folder)


def test_a_log_that_shrinks(followed: Followed):
    followed.connect(99)
    followed.expect_connections(100)
    followed.log.write_bytes(b"")
    followed.connect()
    followed.expect_connections(101)
    followed.expect_well()
    name = f"rsync_exporter_rotations_total {followed.log} truncated"
    assert followed.exporter.metrics()[name] == 1


def test_a_log_that_vanishes(followed: Followed):
    followed.log.unlink()
    # After a rename there is no log until the next session begins: that is no fault.
    followed.expect_well()
    followed.connect()
    followed.expect_connections(2)
    followed.expect_well()


def test_a_log_that_becomes_a_folder(followed: Followed):
    followed.log.unlink()
    followed.log.mkdir()
    followed.expect_unwell("not a regular file")
    followed.log.rmdir()
    followed.connect()
    followed.expect_connections(2)
    followed.expect_well()
    assert "WARNING" in followed.exporter.stop()


def test_a_log_that_becomes_a_link_to_itself(followed: Followed):
    followed.log.unlink()
    followed.log.symlink_to(followed.log)
    followed.expect_unwell("Too many levels of symbolic links")
    followed.log.unlink()
    followed.connect()
    followed.expect_connections(2)
    followed.expect_well()


def test_a_log_that_must_not_be_read_any_more(followed: Followed):
    followed.log.rename(followed.log.with_suffix(".1"))
    followed.connect()
    followed.expect_connections(2)
    followed.log.unlink()
    os.close(os.open(followed.log, os.O_CREAT | os.O_WRONLY, 0o000))
    followed.expect_unwell("Permission denied")
    followed.log.chmod(0o644)
    followed.connect()
    followed.expect_connections(3)
    followed.expect_well()


def test_a_folder_that_must_not_be_entered_any_more(
    start_exporter: StartExporter, folder: Path
):
    logs = folder / "logs"
    logs.mkdir()
    followed = Followed(start_exporter, logs)
    logs.chmod(0o000)
    followed.expect_unwell("Permission denied")
    logs.chmod(0o777)
    followed.connect()
    followed.expect_connections(2)
    followed.expect_well()


def test_a_line_of_ten_megabytes(followed: Followed):
    followed.write("x" * 10_000_000)
    followed.write("\n")
    followed.connect()
    followed.expect_connections(2)
    followed.expect_well()
    lines = followed.exporter.metrics()
    assert lines[f"rsync_exporter_lines_total {followed.log} unparsed"] == 1


def test_a_binary_file(start_exporter: StartExporter, folder: Path):
    log = folder / "rsyncd.log"
    log.write_bytes(Path("/bin/sh").read_bytes() + b"\n")
    size = log.stat().st_size
    exporter = start_exporter("-p", log)
    name = f"rsync_exporter_file_offset_bytes {log}"
    eventually(lambda: exporter.metrics().get(name) == size, "the whole file read")
    metrics = exporter.metrics()
    assert exporter.health() == (200, {})
    assert metrics["rsync_connections_total"] == 0
    assert metrics[f"rsync_exporter_lines_total {log} unparsed"] > 0
    assert f"nothing can be counted here file={log}: it is a binary file" in (
        exporter.stop()
    )


def test_the_log_of_a_client(start_exporter: StartExporter):
    log = DATA / "client_log_file.log"
    exporter = start_exporter("-p", log)
    name = f"rsync_exporter_lines_total {log} ignored"
    eventually(lambda: exporter.metrics().get(name, 0) > 0, "the file read")
    assert exporter.metrics()["rsync_data_sent_bytes_total"] == 0
    assert "it is the log of an rsync client, not of a daemon" in exporter.stop()


def test_no_room_for_the_checkpoint(start_exporter: StartExporter, folder: Path):
    """Counting goes on, and the checkpoint's age shows that it is not kept."""
    kept = folder / "checkpoint"
    # Whose limits may be changed is who we are ourselves.
    followed = Followed(
        start_exporter, folder, user=None, RSYNC_EXPORTER_CHECKPOINT=str(kept)
    )
    eventually(kept.exists, "the first checkpoint")
    before, written = (
        kept.read_bytes(),
        followed.value("rsync_exporter_checkpoint_timestamp_seconds"),
    )
    process = followed.exporter.process.pid
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    followed.connect()
    eventually(
        lambda: followed.value("rsync_exporter_checkpoint_failures_total") > 0,
        "a checkpoint that could not be written",
    )
    followed.expect_connections(2)
    followed.expect_well()
    assert kept.read_bytes() == before
    assert followed.value("rsync_exporter_checkpoint_timestamp_seconds") == written
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process, resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: kept.read_bytes() != before, "a newer checkpoint")
    output = followed.exporter.stop()
    assert output.count("checkpoint not written, trying again") == 1
    assert "File too large" in output


def test_a_folder_that_takes_no_checkpoint(start_exporter: StartExporter, folder: Path):
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    kept = closed / "checkpoint"
    followed = Followed(start_exporter, folder, RSYNC_EXPORTER_CHECKPOINT=str(kept))
    eventually(
        lambda: followed.value("rsync_exporter_checkpoint_failures_total") > 0,
        "a checkpoint that could not be written",
    )
    followed.expect_well()
    assert followed.value("rsync_exporter_checkpoint_timestamp_seconds") == 0
    closed.chmod(0o777)
    eventually(kept.exists, "the checkpoint")
    assert "Permission denied" in followed.exporter.stop()
