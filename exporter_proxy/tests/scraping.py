"""What scrapers are answered from data of a test's own, over a real connection."""

import gzip
import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.config.values import Lifetime
from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.metrics import PREFIX, ScrapeMetrics
from exporter_proxy.serve.answers import ANSWER_SECONDS, MAX_BYTES, Answers
from exporter_proxy.serve.discovery import Discovery
from exporter_proxy.serve.output import Output
from exporter_proxy.serve.own_metrics import ApplicationMetrics, OwnMetrics
from exporter_proxy.serve.pages import Pages
from exporter_proxy.serve.scrape import Scrape
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.tests.running import DEADLINE_SECONDS
from exporter_proxy.tests.serving import Serving, serving
from servicekit import Health

NOW = 1_800_000_000.0

_DEFAULTS = read(None)


@dataclass
class Held:
    """Data of some applications. Own metrics change only when a test changes them."""

    catalogue: Catalogue = field(
        default_factory=lambda: Catalogue(_DEFAULTS.exposition)
    )
    applications: Applications = field(
        default_factory=lambda: Applications(20_000, lambda: NOW)
    )
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    scrape_registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def put(
        self, name: str, text: str, channel: str = "json", ttl: float | None = None
    ) -> None:
        """Hold an application's data, taken a moment ago."""
        families = Reader(Rules()).read(text.encode()).families
        self.catalogue.replace(name, families)
        self.applications.accepted(
            Application(
                name,
                channel,
                "127.0.0.1:5",
                State.OK,
                NOW,
                lifetime=Lifetime(ttl),
                series=sum(family.shape.series_count for family in families),
            )
        )

    def refuse(self, name: str, error: str, channel: str = "json") -> None:
        """Note that the last attempt of an application was refused."""
        self.applications.refused(Application(name, channel, "127.0.0.1:5"), error)

    def own(self) -> OwnMetrics:
        """Return the proxy's own metrics."""
        about = ApplicationMetrics(self.applications, self.catalogue)
        return OwnMetrics(about, self.registry)

    def counted(self, name: str, **labels: str) -> float:
        """Return the value of a metric about scrapes."""
        return self.scrape_registry.get_sample_value(PREFIX + name, labels) or 0


@dataclass
class Answer:
    """What came back; the text is unpacked if need be."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as a client reads it."""
        packed = self.headers["Content-Encoding"] == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


@dataclass
class Scraper:
    """Somebody who asks."""

    serving: Serving

    def ask(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Answer:
        """Return the answer to a request on a connection of its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.serving.port, timeout=DEADLINE_SECONDS
        )
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


@contextmanager
def scraping(
    held: Held, max_bytes: int = MAX_BYTES, answer_seconds: float = ANSWER_SECONDS
) -> Iterator[Scraper]:
    """Serve what is held while the block runs."""
    metrics = ScrapeMetrics(held.scrape_registry)
    with ThreadPoolExecutor(1) as executor:
        output = Output(held.catalogue, held.own(), metrics, executor)
        answers = Answers(metrics, max_bytes, answer_seconds)
        scrape = Scrape(output, answers, held.applications, held.catalogue)
        others = (*Discovery(held.applications).routes(), *Pages(Health()).routes())
        with serving(_DEFAULTS, (*scrape.routes(), *others)) as running:
            yield Scraper(running)
