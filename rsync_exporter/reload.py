"""Files that the settings name, read again at SIGHUP: all of them, or the old ones."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, Self

from prometheus_client import CollectorRegistry, Counter

from rsync_exporter import sources
from rsync_exporter.settings import Settings
from servicekit import SettingsError

log = logging.getLogger(__name__)

FILES = ("rsync_exporter_format", "rsync_exporter_rsyncd_conf")


def read_again(settings: Settings) -> Settings:
    """Return the settings with their files as they are now.

    Raises SettingsError, a line for each problem.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name in FILES:
        before = getattr(settings, name)
        try:
            found[name] = before and type(before).read(str(before.path))
        except ValueError as error:
            problems.append(f'{name.upper()}: expected {error}, got "{before.path}"')
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    return replace(settings, **found)


class Reload:
    """Reads the files again once somebody has asked for it."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._asked = threading.Event()
        self._outcomes = Counter(
            "rsync_exporter_config_reloads",
            "Times that rsyncd.conf and the format file were read again",
            ["result"],
            registry=registry,
        )
        for result in ("success", "error"):
            self._outcomes.labels(result)

    @contextmanager
    def on_hangup(self) -> Iterator[Self]:
        """Take SIGHUP as the request while the block runs."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self._asked.set()

        before = signal.signal(signal.SIGHUP, handle)
        try:
            yield self
        finally:
            signal.signal(signal.SIGHUP, before)

    def settings(self) -> Settings | None:
        """Return the settings once they were read again without fault."""
        if not self._asked.is_set():
            return None
        self._asked.clear()
        try:
            found = read_again(self._settings)
            sources.names(found)
        except SettingsError as error:
            self._outcomes.labels("error").inc()
            for problem in error.problems:
                log.warning("wrong settings, the old ones stay error=%s", problem)
            return None
        self._settings = found
        self._outcomes.labels("success").inc()
        log.info("settings read again files=%s", ",".join(self._names()) or "none")
        return self._settings

    def _names(self) -> Iterator[str]:
        for name in FILES:
            if file := getattr(self._settings, name):
                yield str(file.path)
