"""Where every body arrives, pushed or polled: it is taken whole or not at all."""

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass

from exporter_proxy.exposition.body import Family, parse
from exporter_proxy.metrics import PREFIX, Metrics
from exporter_proxy.refusals import Refused
from exporter_proxy.store.applications import Applications, State
from exporter_proxy.store.catalogue import Catalogue

log = logging.getLogger(__name__)

# Longer bodies are parsed beside the event loop, so that nobody waits for them.
INLINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, how (``json``, ``capnp`` or ``poll``) and from where."""

    application: str
    channel: str
    source: str


class Intake:
    """Takes what is valid, refuses what is not; the last good data stays."""

    def __init__(
        self,
        catalogue: Catalogue,
        applications: Applications,
        metrics: Metrics,
        parsers: Executor,
    ) -> None:
        self._catalogue = catalogue
        self._applications = applications
        self._metrics = metrics
        self._parsers = parsers

    async def take(self, origin: Origin, body: bytes) -> None:
        """Let a body take the place of the application's last one, if it is valid."""
        try:
            self._applications.check_room(origin.application)
            families = await self._parsed(body)
        except Refused as refused:
            self.refuse(origin, refused)
        else:
            self._accept(origin, families)

    def refuse(self, origin: Origin, refused: Refused) -> None:
        """Count, log and show that an application's data was not taken."""
        self._metrics.deliveries.labels(origin.channel, "refused").inc()
        self._metrics.refusals.labels(refused.reason).inc()
        news = self._applications.refused(
            origin.application, origin.source, str(refused)
        )
        log.log(
            logging.WARNING if news else logging.DEBUG,
            "refused app=%s source=%s reason=%s error=%s",
            origin.application,
            origin.source,
            refused.reason,
            refused,
        )

    async def _parsed(self, body: bytes) -> tuple[Family, ...]:
        if len(body) <= INLINE_BYTES:
            return parse(body, PREFIX.encode())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parsers, parse, body, PREFIX.encode())

    def _accept(self, origin: Origin, families: tuple[Family, ...]) -> None:
        name = origin.application
        left_out_before = self._catalogue.left_out_families(name)
        self._catalogue.replace(name, families)
        self._metrics.deliveries.labels(origin.channel, "accepted").inc()
        series = sum(family.series_count() for family in families)
        before = self._applications.accepted(name, origin.source, series)
        if before is None or before.state is not State.OK:
            log.info("accepted app=%s source=%s series=%d", name, origin.source, series)
        left_out = self._catalogue.left_out_families(name)
        if left_out and left_out != left_out_before:
            log.warning(
                "left out, clashing with another application app=%s families=%s",
                name,
                ",".join(left_out),
            )
