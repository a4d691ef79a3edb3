"""A restart goes on where the last run was, with its counters or without."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rsync_exporter.tests.running import ROOT, RunningExporter, eventually


def session(number: int) -> str:
    """Return what a daemon logs of one session."""
    head, client = f"2026/11/21 20:58:{number:02} [{number}]", "from h (192.0.2.1)"
    return (
        f"{head} connect {client}\n"
        f"{head} rsync allowed access on module m {client}\n"
        f"{head} rsync on m/a {client}\n"
        f"{head} building file list\n"
        f"{head} sent 10 bytes  received 5 bytes  total size 3\n"
    )


FIRST, SECOND, THIRD = map(session, range(1, 4))

type StartExporter = Callable[..., RunningExporter]


class Restarted:
    """An exporter that is stopped and started again, with its log and checkpoint."""

    def __init__(self, start: StartExporter, folder: Path) -> None:
        self.log = folder / "rsyncd.log"
        self.checkpoint = folder / "checkpoint"
        self._start = start

    def write(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def start(self, **more: str) -> RunningExporter:
        """Start it, and wait until it has read the whole log."""
        exporter = self._start(
            *("-p", self.log),
            environment={"RSYNC_EXPORTER_CHECKPOINT": str(self.checkpoint), **more},
        )
        eventually(lambda: exporter.readiness() == (200, {}), "/readyz")
        return exporter


@pytest.fixture
def restarted(start_exporter: StartExporter, tmp_path: Path) -> Restarted:
    """Return an exporter that is not started yet."""
    return Restarted(start_exporter, tmp_path)


def test_counters_go_on(restarted: Restarted):
    restarted.write(FIRST)
    restarted.start().stop()
    restarted.write(SECOND)
    metrics = restarted.start().metrics()
    assert metrics["rsync_connections_total"] == 2
    assert metrics["rsync_data_sent_bytes_total"] == 20
    assert metrics["rsync_exporter_checkpoint_timestamp_seconds"] > 1e9


def test_what_was_logged_meanwhile_is_counted(restarted: Restarted):
    restarted.write(FIRST)
    restarted.start().stop()
    restarted.log.rename(restarted.log.with_suffix(".log.1"))
    with restarted.log.with_suffix(".log.1").open("a") as file:
        file.write(SECOND)
    restarted.write(THIRD)
    assert restarted.start().metrics()["rsync_connections_total"] == 3


def test_a_session_that_was_in_progress(restarted: Restarted):
    *head, last = FIRST.splitlines(keepends=True)
    restarted.write("".join(head))
    restarted.start().stop()
    restarted.write(last)
    exporter = restarted.start()
    ended = "rsyncd_sessions_total pull m ok"
    eventually(lambda: exporter.metrics().get(ended) == 1, "the session's end")


def test_without_its_counters_only_the_place_is_kept(restarted: Restarted):
    *head, last = (FIRST + SECOND + THIRD).splitlines(keepends=True)
    restarted.write("".join(head))
    restarted.start().stop()
    restarted.write(last)
    metrics = restarted.start(RSYNC_EXPORTER_CHECKPOINT_COUNTERS="no").metrics()
    assert metrics["rsync_connections_total"] == 0
    assert metrics["rsync_data_sent_bytes_total"] == 10


def test_being_killed_counts_nothing_twice(restarted: Restarted):
    restarted.write(FIRST)
    exporter = restarted.start()
    eventually(restarted.checkpoint.exists, "the checkpoint")
    restarted.write(SECOND + THIRD)
    eventually(
        lambda: exporter.metrics()["rsync_connections_total"] == 3, "what came later"
    )
    exporter.kill()
    assert restarted.start().metrics()["rsync_connections_total"] == 3


def test_a_checkpoint_that_cannot_be_used(restarted: Restarted):
    restarted.write(FIRST)
    restarted.checkpoint.write_text("nonsense")
    exporter = restarted.start()
    assert exporter.metrics()["rsync_connections_total"] == 1
    output = exporter.stop()
    assert (
        f"checkpoint rejected, starting without one file={restarted.checkpoint}"
        " reason=it is no checkpoint of rsync_exporter"
        f" kept_as={restarted.checkpoint}.rejected"
    ) in output
    assert Path(f"{restarted.checkpoint}.rejected").read_text() == "nonsense"


def test_a_second_exporter_is_refused(restarted: Restarted):
    restarted.write(FIRST)
    restarted.start()
    done = subprocess.run(
        [sys.executable, "-m", "rsync_exporter", "-p", restarted.log],
        env={"RSYNC_EXPORTER_CHECKPOINT": str(restarted.checkpoint)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stdout.splitlines()
    assert line.endswith(
        f"checkpoint is in use by another exporter file={restarted.checkpoint}"
    )


def test_what_time_has_ended_stays_so_after_being_killed(restarted: Restarted):
    """No line tells of this end, so it has to be kept before it is served."""
    ended = "rsyncd_sessions_total pull m ok"
    restarted.write(FIRST)
    exporter = restarted.start()
    eventually(lambda: exporter.metrics().get(ended) == 1, "the session's end")
    exporter.kill()
    assert restarted.start().metrics()[ended] == 1
