"""The README's tables say what the program says."""

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from exporter_proxy.config.file import LISTS, SECTIONS
from exporter_proxy.metrics import StoreMetrics
from servicekit.settings import declared

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of every row of the tables whose first column is headed so."""
    for table in re.findall(
        rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE
    ):
        for row in table.splitlines():
            yield [cell.strip() for cell in row.strip("|").split(" | ")]


def test_every_key_of_the_file_is_there_with_its_default_and_meaning():
    documented = {row[0]: row[1:] for row in rows("key")}

    assert documented == {
        f"`{section}.{key}`": [
            "-" if details.default is None else f"`{details.default or '[]'}`",
            details.help,
        ]
        for section, kind in (SECTIONS | LISTS).items()
        for key, details in declared(kind)
    }


def test_every_metric_of_the_shared_store_is_there():
    registry = CollectorRegistry()
    StoreMetrics(registry)
    served = generate_latest(registry).decode()

    documented = {row[0].strip("`") for row in rows("metric with Redis")}

    families = re.findall(r"^# TYPE (\w+) ", served, re.MULTILINE)
    assert documented == {name for name in families if not name.endswith("_created")}
