"""The bodies that scrapers get, with what they have to know about them.

Each text is prepared at most once a generation, which is what is served until somebody
changes it; and nothing is prepared that nobody asked for.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

from exporter_proxy.exposition.family import Family
from exporter_proxy.metrics import ScrapeMetrics
from exporter_proxy.serve.accept import OPEN_METRICS_TYPE, TEXT_TYPE, Wish
from exporter_proxy.serve.own_metrics import OwnMetrics
from exporter_proxy.serve.segments import compress, gzipped
from exporter_proxy.serve.source import INLINE_BYTES, Absent, Source, Workshop
from exporter_proxy.store.catalogue import Catalogue


class Body(NamedTuple):
    """What is sent: the pieces, one after the other.

    tag: differs whenever the bytes do, after a restart and between proxies too.
    """

    content_type: str
    is_gzip: bool
    tag: str
    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """The number of bytes."""
        return sum(map(len, self.pieces))


class Format(NamedTuple):
    """A format that everything is served in."""

    name: str
    content_type: str
    catalogue: Source
    rest: Callable[[], bytes]


class Output:
    """Makes every body: of all there is, of the proxy's own, of one application."""

    def __init__(
        self,
        catalogue: Catalogue,
        own: OwnMetrics,
        metrics: ScrapeMetrics,
        executor: Executor,
    ) -> None:
        workshop = Workshop(executor)

        def source(text: Callable[[], bytes | None]) -> Source:
            return Source(text, lambda: catalogue.version, workshop)

        self._text = Format("text", TEXT_TYPE, source(catalogue.text), own.rest)
        self._open_metrics = Format(
            "openmetrics",
            OPEN_METRICS_TYPE,
            source(catalogue.open_metrics),
            own.rest_in_open_metrics,
        )
        self._applications = Source(
            own.applications.text, own.applications.version, workshop
        )
        self._workshop = workshop
        self._metrics = metrics
        self._run = secrets.token_hex(8)  # versions begin anew with each run

    async def everything(self, wish: Wish) -> Body:
        """Return the body of ``/metrics``: the applications' metrics, then our own."""
        encoding = "gzip" if wish.gzip else "identity"
        with self._metrics.preparation.labels(encoding).time():
            form, body = await self._everything(wish)
        self._metrics.scrapes.labels(form.name, encoding).inc()
        self._metrics.size.labels(encoding).set(body.size)
        return body

    async def own(self, wish: Wish) -> Body:
        """Return the body of ``/metrics/self``."""
        form = self._open_metrics if wish.open_metrics else self._text
        return await self._assembled(form, [self._applications], wish.gzip)

    async def alone(self, families: Callable[[], Iterable[Family]], wish: Wish) -> Body:
        """Return the body of ``/metrics/app/NAME``: these families and nothing else."""
        finished = partial(_body, wish.gzip)
        if sum(len(family.samples) for family in families()) <= INLINE_BYTES:
            return finished(_exposition(families()))
        async with self._workshop.turn:
            return await self._workshop.do(finished, _exposition(families()))

    async def _everything(self, wish: Wish) -> tuple[Format, Body]:
        form = self._open_metrics if wish.open_metrics else self._text
        try:
            return form, await self._all_in(form, wish.gzip)
        except Absent:  # some family has no form in OpenMetrics
            return self._text, await self._all_in(self._text, wish.gzip)

    async def _all_in(self, form: Format, is_gzip: bool) -> Body:
        sources = (form.catalogue, self._applications)
        return await self._assembled(form, sources, is_gzip)

    async def _assembled(
        self, form: Format, sources: Iterable[Source], is_gzip: bool
    ) -> Body:
        pieces: Iterable[bytes]
        if is_gzip:
            segments = [await source.compressed() for source in sources]
            versions = [segment.version for segment in segments]
            rest = form.rest()
            pieces = gzipped([*(each.segment for each in segments), compress(rest)])
        else:
            texts = [source.plain() for source in sources]
            versions = [text.version for text in texts]
            rest = form.rest()
            pieces = [*(each.text for each in texts), rest]
        tag = _tag(self._run, form.content_type, is_gzip, versions, rest)
        return Body(form.content_type, is_gzip, tag, tuple(pieces))


def _exposition(families: Iterable[Family]) -> bytes:
    ordered = sorted(families, key=lambda family: family.name)
    return b"".join(
        part for family in ordered for part in (family.header(), family.samples)
    )


def _body(is_gzip: bool, text: bytes) -> Body:
    tag = _tag(hashlib.sha256(text).digest(), is_gzip)
    pieces = tuple(gzipped([compress(text)])) if is_gzip else (text,)
    return Body(TEXT_TYPE, is_gzip, tag, pieces)


def _tag(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
