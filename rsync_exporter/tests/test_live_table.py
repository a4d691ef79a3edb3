"""Everything that can happen to a real daemon, and every number that comes of it.

All scenarios of the table happen in one daemon, once for each way of logging, many at a
time. The samples that change must be those that the table names, each by what it says,
and no others.
"""

import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import Site
from rsync_exporter.tests.daemon import Daemon, Settings
from rsync_exporter.tests.running import RunningExporter, eventually
from rsync_exporter.tests.says import (
    Logging,
    Moved,
    Samples,
    expected_samples,
    read_samples,
    sample,
)
from rsync_exporter.tests.scenario import Scenario
from rsync_exporter.tests.scenarios import LOGGINGS, TABLE

# Some 600 sessions happen before the first test.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CLIENTS_AT_A_TIME = 16

MODULE = re.compile(r'module="([^"]*)"')
LINES = "rsync_exporter_lines_total"
NOT_UNDERSTOOD = ("suspect", "unparsed", "joined", "split")

# A session is over two seconds after its last line.
PATIENCE_SECONDS = 10


class Case:
    """A scenario in a module that logs in one way."""

    def __init__(self, scenario: Scenario, logging: Logging) -> None:
        self.scenario = scenario
        self.logging = logging
        self.module = f"{scenario.name}.{logging.name}"
        self._moved: list[Moved] = []

    def settings(self, folder: Path) -> Settings:
        """Return the settings of the module."""
        both = {**self.scenario.settings, **self.logging.settings}
        return {name: value.format(folder=folder) for name, value in both.items()}

    def happen(self, daemon: Daemon) -> None:
        """Do what the scenario is about."""
        home = daemon.folder / "homes" / self.module
        home.mkdir(parents=True)
        self._moved = self.scenario.act(Site(daemon, self.module, home)) or []

    def expected(self, daemon: Daemon) -> Samples:
        """Return what the exporter must say of it."""
        log = daemon.messages(self.module)
        return expected_samples(
            self.scenario.says, self.module, self._moved, log, self.logging
        )


CASES = [Case(scenario, logging) for logging in LOGGINGS for scenario in TABLE]


class Comparison:
    """What was expected of the samples that change, and what came of it.

    rows: those that differ, by module.
    """

    def __init__(self, cases: Iterable[Case], daemon: Daemon) -> None:
        parts = (case.expected(daemon) for case in cases)
        self.expected = sum(parts, Counter[str]())
        self.rows: dict[str, list[str]] = {}

    def wait(self, exported: Callable[[], Samples]) -> None:
        """Compare until all is as expected, or patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._differs_from(exported()) and time.monotonic() < deadline:
            time.sleep(0.2)

    def _differs_from(self, exported: Samples) -> bool:
        self.rows = defaultdict(list)
        for name in sorted(self.expected.keys() | exported.keys()):
            if self.expected[name] != exported[name]:
                values = f"expected {self.expected[name]}, exported {exported[name]}"
                module = MODULE.search(name)
                self.rows[module[1] if module else ""].append(f"{name}: {values}")
        return bool(self.rows)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Make a folder that everybody may enter, as pytest's are not."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[Daemon]:
    """Run a daemon with a module for each case."""
    acts.exercise(folder / "exercise")
    acts.huge(folder / "huge")
    modules = {case.module: case.settings(folder) for case in CASES}
    with Daemon(folder, modules) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def exporter(daemon: Daemon) -> Iterator[RunningExporter]:
    """Run an exporter that knows the daemon's configuration, and by that its logs.

    It has read them by then: what it says of the configuration it said before.
    """
    configuration = str(daemon.configuration)
    exporter = RunningExporter(
        environment={"RSYNC_EXPORTER_RSYNCD_CONF": configuration}
    )
    try:
        eventually(lambda: exporter.readiness() == (200, {}), "/readyz")
        yield exporter
    finally:
        exporter.kill()


@pytest.fixture(scope="module")
def happened(daemon: Daemon, exporter: RunningExporter) -> Comparison:
    """Let every case happen; compare what was exported before and after."""
    started = int(time.time())
    before = exported_by(exporter, started)
    with ThreadPoolExecutor(CLIENTS_AT_A_TIME) as clients:
        for _ in clients.map(lambda case: case.happen(daemon), CASES):
            pass
    eventually(lambda: not daemon.has_sessions(), "the end of all sessions")
    comparison = Comparison(CASES, daemon)
    comparison.wait(lambda: exported_by(exporter, started, before))
    return comparison


def exported_by(
    exporter: RunningExporter, since: int = 0, before: Samples | None = None
) -> Samples:
    """Return what an exporter says of the daemon, and not of itself.

    Where it said something else before, return the difference.
    """
    samples = read_samples(exporter.ask("/metrics")[1], since)
    samples.subtract(before or {})
    return Counter(
        {
            name: value
            for name, value in samples.items()
            if name.startswith("rsync") and not name.startswith("rsync_exporter_")
        }
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.module)
def test_what_is_said_of_a_scenario(case: Case, happened: Comparison, daemon: Daemon):
    log = daemon.messages(case.module).decode(errors="backslashreplace")
    assert happened.rows.get(case.module, []) == [], log


def test_what_is_said_of_all_together(happened: Comparison):
    modules = {case.module for case in CASES}
    others = (rows for module, rows in happened.rows.items() if module not in modules)
    assert [*chain.from_iterable(others)] == []


@pytest.mark.usefixtures("happened")
def test_every_line_is_understood(daemon: Daemon, exporter: RunningExporter):
    samples = read_samples(exporter.ask("/metrics")[1], 0)
    for log in daemon.logs():
        results = {
            result: samples[sample(LINES, file=log, result=result)]
            for result in ("matched", "ignored", *NOT_UNDERSTOOD)
        }
        assert not any(results[result] for result in NOT_UNDERSTOOD), results
        assert sum(results.values()) == log.read_bytes().count(b"\n")


@pytest.mark.usefixtures("happened")
def test_without_the_configuration_sessions_are_understood_all_the_same(
    daemon: Daemon, start_exporter: Callable[..., RunningExporter]
):
    exporter = start_exporter(
        *("-p", ",".join(map(str, daemon.logs()))),
        environment={"RSYNC_EXPORTER_MAX_MODULES": str(len(CASES))},
    )
    comparison = Comparison(CASES, daemon)
    comparison.expected = without_files(comparison.expected)
    comparison.wait(lambda: without_files(exported_by(exporter)))
    assert comparison.rows == {}


def without_files(samples: Samples) -> Samples:
    """Leave out what only a configuration tells: formats of files, and limits."""
    told = ("rsyncd_file", "rsyncd_max_connections{", "rsyncd_daemon_")
    kept = ("rsyncd_file_errors_total", "rsyncd_files_vanished_total")
    return Counter(
        {
            name: value
            for name, value in samples.items()
            if name.startswith(kept) or not name.startswith(told)
        }
    )
