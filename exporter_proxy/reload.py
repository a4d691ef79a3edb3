"""Takes up a changed configuration while running, or keeps the old one and says why."""

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import fields, replace
from pathlib import Path

from exporter_proxy.config import Config, read
from exporter_proxy.metrics import Metrics
from servicekit import SettingsError

log = logging.getLogger(__name__)

# What is taken up while running; these sections' other keys take a restart.
TAKEN_UP: Mapping[str, Collection[str]] = {
    "exporter": ("concurrent_requests", "tls"),
    "receiver": (
        "format",
        "max_message_bytes",
        "idle_timeout",
        "message_timeout",
        "acknowledge",
        "allow",
        "tls",
        "require_client_certificate",
    ),
    "exposition": ("timestamps",),
    "snapshot": (),
    "store": (),
}


def left_for_a_restart(started_with: Config, now: Config) -> Iterator[str]:
    """Yield each key that changed and does not count before the next start."""
    for section, taken_up in TAKEN_UP.items():
        before, after = getattr(started_with, section), getattr(now, section)
        for key in (field.name for field in fields(before)):
            if key not in taken_up and getattr(before, key) != getattr(after, key):
                yield f"{section}.{key}"


def with_labels_of(started_with: Config, now: Config) -> Config:
    """Return the new configuration with the old ``app_label``: that takes a start."""
    label = started_with.exposition.app_label
    return replace(now, exposition=replace(now.exposition, app_label=label))


class Reload:
    """Reads the file again when asked to.

    apply: lets a configuration count; called in the loop. Raises SettingsError before
        anything has changed.
    """

    def __init__(
        self,
        path: Path | None,
        started_with: Config,
        apply: Callable[[Config], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._path = path
        self._started_with = started_with
        self._now = started_with
        self._apply = apply
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._note(successful=True)

    def ask(self) -> None:
        """Have it done soon, once; to be called in the event loop."""
        self._asked.set()

    async def run(self) -> None:
        """Do as asked until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.once()

    async def once(self) -> None:
        """Read the file and let it count, whole or not at all."""
        try:
            config = await asyncio.to_thread(read, self._path)
            await self._apply(config)
        except SettingsError as error:
            self._refuse(error.problems)
            return
        except Exception:  # a mistake of ours ends neither what is served nor reloading
            log.exception("cannot take up the configuration file=%s", self._path)
            self._note(successful=False)
            return
        self._note(successful=True)
        changed = "no" if config == self._now else "yes"
        self._now = config
        log.info(
            "took up the configuration file=%s changed=%s",
            self._path or "none",
            changed,
        )
        if keys := ",".join(left_for_a_restart(self._started_with, config)):
            log.warning("changed keys that count after a restart only keys=%s", keys)

    def _refuse(self, problems: Iterable[str]) -> None:
        for problem in problems:
            log.error("wrong configuration, the old one stays error=%s", problem)
        self._note(successful=False)

    def _note(self, *, successful: bool) -> None:
        self._metrics.reload_successful.set(successful)
        if successful:
            self._metrics.reload_timestamp.set_to_current_time()
