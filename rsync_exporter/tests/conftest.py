"""What the tests of the whole program share, and those of a followed log."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rsync_exporter.tests.following import Log
from rsync_exporter.tests.running import RunningExporter


@pytest.fixture
def start_exporter() -> Iterator[Callable[..., RunningExporter]]:
    """Return a function that starts an exporter with further arguments."""
    running: list[RunningExporter] = []

    def start(
        *arguments: str | Path,
        **more: Any,  # noqa: ANN401 - as RunningExporter takes it
    ) -> RunningExporter:
        running.append(RunningExporter(*arguments, **more))
        return running[-1]

    yield start
    for exporter in running:
        exporter.kill()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """Follow a log that is not there yet."""
    log = Log(tmp_path)
    yield log
    log.followers.close()
