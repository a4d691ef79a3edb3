"""A log that is read, and the samples a scrape would then show."""

import datetime
import json
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from rsync_exporter.collector import Snapshot
from rsync_exporter.sessions.account import Account
from rsync_exporter.sessions.options import Options
from rsync_exporter.tail.chunk import Chunk
from rsync_exporter.tail.lines import LineSplitter

type Samples = dict[str, float]


# The times of the recorded logs.
IN_UTC = Options(zone=datetime.UTC)


class Telling:
    """What the exporter tells of logs, which come to it in blocks."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or IN_UTC
        self.account = Account(self._options)
        self._splitters: dict[str, LineSplitter] = {}

    def read(self, *blocks: bytes, file: str = "rsyncd.log", ends: bool = True) -> None:
        """Read what a file has more; ends: nothing more of it was written by then."""
        splitter = self._splitters.setdefault(file, LineSplitter())
        for block in blocks:
            self._add(file, splitter.feed(block), ends=False)
        if ends:
            self._add(file, [], ends=True)

    def restart(self) -> None:
        """Go on as another process does, from what a checkpoint holds."""
        state = json.loads(json.dumps(self.account.state()))
        self.account = Account(self._options)
        self.account.restore(state)

    def at_the_end(self) -> Samples:
        """Return what a scrape shows when everything is over."""
        self.account.finish()
        return self.samples()

    def samples(self) -> Samples:
        """Return all samples, without zeros and buckets as full as the one below."""
        samples: Samples = {}
        below = ("", 0.0)
        for sample in self._scrape():
            unchanged = _histogram(sample), sample.value
            if sample.value and not (_is_bucket(sample) and unchanged == below):
                samples[name_of(sample)] = sample.value
            below = unchanged
        return samples

    def _add(self, file: str, lines: list[bytes], *, ends: bool) -> None:
        stream = list(self._splitters).index(file) + 1
        self.account.add(Chunk(file, stream, lines, ends))

    def _scrape(self) -> Iterable[Sample]:
        snapshot = Snapshot(legacy_status_code=False)
        snapshot.replace(self.account.totals(), [])
        registry = CollectorRegistry()
        registry.register(snapshot)
        for family in text_string_to_metric_families(
            generate_latest(registry).decode()
        ):
            yield from family.samples


def told(*blocks: bytes, options: Options | None = None) -> Samples:
    """Return what the exporter tells of one log when everything is over."""
    telling = Telling(options)
    telling.read(*blocks)
    return telling.at_the_end()


def of_the_daemon(samples: Samples) -> Samples:
    """Leave out what is told of the exporter itself."""
    own = "rsync_exporter_"
    return {name: value for name, value in samples.items() if not name.startswith(own)}


def lines(samples: Samples, result: str) -> float:
    """Return how many lines were read in a way."""
    name = f'rsync_exporter_lines_total{{file="rsyncd.log",result="{result}"}}'
    return samples.get(name, 0)


def number_of_lines(samples: Samples) -> float:
    """Return how many lines there were, by how they were read.

    A record on another's line is counted as one more, and as split off.
    """
    results = ("matched", "ignored", "unparsed", "suspect", "joined")
    each = sum(lines(samples, result) for result in results)
    return each - lines(samples, "split")


def total(samples: Samples, metric: str) -> float:
    """Return the sum of a metric over its labels."""
    return sum(v for name, v in samples.items() if name.partition("{")[0] == metric)


def name_of(sample: Sample) -> str:
    """Return a sample's name with its labels, in order, and whole bounds as such."""
    labels = dict(sample.labels)
    if _is_bucket(sample):
        labels["le"] = f"{float(labels['le']):.0f}".replace("inf", "+Inf")
    text = ",".join(f'{name}="{labels[name]}"' for name in sorted(labels))
    return f"{sample.name}{{{text}}}" if text else sample.name


def _is_bucket(sample: Sample) -> bool:
    return sample.name.endswith("_bucket")


def _histogram(sample: Sample) -> str:
    labels = {name: value for name, value in sample.labels.items() if name != "le"}
    return name_of(Sample(sample.name.removesuffix("_bucket"), labels, 0))
