"""A busy log, rotated every second in every way, and an exporter that is killed.

Whatever happens, each line is counted, once, and no counter ever falls.
"""

import fcntl
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rsync_exporter.tests.running import RunningExporter, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

WRITER = Path(__file__).with_name("session_writer.py")

SECONDS = 60
ROTATE_EVERY_SECONDS = 1
KILL_EVERY_SECONDS = 7
SCRAPE_EVERY_SECONDS = 0.5

CONFIGURATION = """\
{log} {{
    rotate 1000
    missingok
    nocompress
    {how}
}}
"""

type StartExporter = Callable[..., RunningExporter]


@dataclass
class Rotated:
    """A log with its writer, and how it is rotated.

    how: words of logrotate's; empty swaps a symbolic link.
    session_seconds: how long sessions last, about; those of a locked log end before it
        is rotated, for neither a copy nor a packed file takes their last lines.
    """

    name: str
    first_pid: int
    how: str
    session_seconds: float
    is_locked: bool
    folder: Path = field(default=Path())
    number: int = 0

    @property
    def log(self) -> Path:
        return self.folder / "rsyncd.log"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @contextmanager
    def begin(self, folder: Path) -> Iterator["subprocess.Popen[str]"]:
        """Write to a log in a folder of its own; in the end, at the latest, stop."""
        self.folder = folder / self.name
        self.folder.mkdir()
        self.rotate()
        with subprocess.Popen(
            [
                *(sys.executable, WRITER, self.log, self.name, str(self.first_pid)),
                *(str(SECONDS), str(self.session_seconds)),
                *([self.lock] * self.is_locked),
            ],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            try:
                yield writer
            finally:
                writer.kill()

    def rotate(self) -> None:
        """Rotate once; while nobody writes, if that is how it must be."""
        with self.lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.how:
                self._logrotate()
            else:
                self._swap_link()

    def _logrotate(self) -> None:
        configuration = self.folder / "logrotate.conf"
        configuration.write_text(CONFIGURATION.format(log=self.log, how=self.how))
        configuration.chmod(0o600)
        state = self.folder / "logrotate.state"
        subprocess.run(
            [shutil.which("logrotate") or "", "-f", "-s", state, configuration],
            check=True,
            timeout=20,
        )

    def _swap_link(self) -> None:
        self.number += 1
        target = self.folder / f"rsyncd.log-{self.number:05}"
        target.touch()
        new = self.folder / "link"
        new.symlink_to(target.name)
        new.replace(self.log)


WAYS = [
    Rotated("create", 1_000_000, "create 0644", 3, is_locked=False),
    Rotated("compress", 2_000_000, "create 0644\n    compress", 0.05, is_locked=True),
    Rotated("copytruncate", 3_000_000, "copytruncate", 0.05, is_locked=True),
    Rotated("symlink", 4_000_000, "", 3, is_locked=False),
]

# Of the process, and so they begin again with it.
OF_THE_PROCESS = ("rsync_exporter_c", "python_", "process_")


class Counters:
    """What was scraped, and whether it ever fell."""

    def __init__(self) -> None:
        self.latest: dict[str, float] = {}
        self.scrapes = 0

    def scrape(self, exporter: RunningExporter) -> None:
        """Read every counter; fail if one is less than before."""
        self.scrapes += 1
        for name, value in exporter.metrics().items():
            if "_total" in name and not name.startswith(OF_THE_PROCESS):
                before = self.latest.get(name, 0)
                assert value >= before, f"{name} fell from {before} to {value}"
                self.latest[name] = value


class Killed:
    """An exporter that goes on from its checkpoint whenever it was killed."""

    def __init__(self, start: StartExporter, folder: Path, logs: list[Path]) -> None:
        self._start = start
        self._arguments = ["-p", ",".join(map(str, logs))]
        self._environment = {
            "RSYNC_EXPORTER_CHECKPOINT": str(folder / "checkpoint"),
        }
        self.times = 0
        self.running = self._started()

    def kill(self) -> None:
        """End it without notice, and start it again."""
        self.times += 1
        self.running.kill()
        self.running = self._started()

    def _started(self) -> RunningExporter:
        return self._start(*self._arguments, environment=self._environment)


def every(seconds: float, action: Callable[[], Any]) -> Callable[[float], None]:
    """Return a function that calls the action when so many seconds have gone by."""
    due = seconds

    def tell(now: float) -> None:
        nonlocal due
        if now >= due:
            action()
            due = max(due + seconds, now)

    return tell


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Mapping[str, "subprocess.Popen[str]"]]:
    """Write to each log, by the name of how it is rotated."""
    with ExitStack() as stack:
        yield {way.name: stack.enter_context(way.begin(tmp_path)) for way in WAYS}


def test_every_line_is_counted_once(
    writers: Mapping[str, "subprocess.Popen[str]"],
    start_exporter: StartExporter,
    tmp_path: Path,
):
    exporter = Killed(start_exporter, tmp_path, [way.log for way in WAYS])
    counters = Counters()
    routine = [
        *(every(ROTATE_EVERY_SECONDS, way.rotate) for way in WAYS),
        every(KILL_EVERY_SECONDS, exporter.kill),
        every(SCRAPE_EVERY_SECONDS, lambda: counters.scrape(exporter.running)),
    ]
    started = time.monotonic()
    while any(writer.poll() is None for writer in writers.values()):
        for act in routine:
            act(time.monotonic() - started)
        time.sleep(0.02)
    told = {name: json.loads(w.communicate()[0]) for name, w in writers.items()}
    assert all(writer.returncode == 0 for writer in writers.values())
    assert exporter.times >= SECONDS // KILL_EVERY_SECONDS - 2
    expect_exactly(told, exporter.running, counters)


def expect_exactly(
    told: dict[str, dict[str, int]], exporter: RunningExporter, counters: Counters
) -> None:
    """Wait until all is counted that was written, and see that it is no more."""
    expected = {
        "rsync_connections_total": sum(t["sessions"] for t in told.values()),
        "rsync_executions_total": sum(t["sessions"] for t in told.values()),
        "rsync_data_sent_bytes_total": sum(t["sent"] for t in told.values()),
        "rsync_data_received_bytes_total": sum(t["received"] for t in told.values()),
        "rsync_exchange_data_bytes_total": sum(t["size"] for t in told.values()),
    }
    for name, of_module in told.items():
        expected |= {
            f"rsyncd_sessions_total pull {name} ok": of_module["sessions"],
            f"rsyncd_sent_bytes_total {name}": of_module["sent"],
            f"rsyncd_received_bytes_total {name}": of_module["received"],
        }
    got: dict[str, float] = {}

    def is_all_counted() -> bool:
        counters.scrape(exporter)
        got.update({name: counters.latest.get(name, 0) for name in expected})
        return got == expected

    try:
        eventually(is_all_counted, "all that was written")
    finally:
        for name, number in expected.items():
            print(f"{name}: {number} expected, {got.get(name)} counted")  # noqa: T201
    assert {way.name: lines_of(way.log, counters) for way in WAYS} == {
        # One line of a session tells nothing: "building file list".
        name: {
            "matched": of_module["lines"] - of_module["sessions"],
            "ignored": of_module["sessions"],
        }
        for name, of_module in told.items()
    }
    lost = [n for n in counters.latest if "lost_bytes" in n and counters.latest[n]]
    assert not lost


def lines_of(log: Path, counters: Counters) -> dict[str, float]:
    """Return how many lines of a log were counted as what."""
    start = f"rsync_exporter_lines_total {log} "
    return {
        name.removeprefix(start): value
        for name, value in counters.latest.items()
        if name.startswith(start) and value
    }
