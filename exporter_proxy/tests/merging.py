"""Families and catalogues for the tests of what is merged."""

from prometheus_client import Metric
from prometheus_client.openmetrics import parser

from exporter_proxy.config.sections import Exposition
from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.family import Family
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.store.catalogue import Catalogue

_DEFAULTS = {
    "type_conflict": "leave_out",
    "duplicate_series": "first",
    "app_label": "never",
    "timestamps": "strip",
}


def exposition(**changes: str) -> Exposition:
    """Return the section of that name, with the defaults but for the changes."""
    return Exposition(**{**_DEFAULTS, **changes})


def families(text: str, rules: Rules | None = None) -> tuple[Family, ...]:
    """Return the families of a text; their shapes are new."""
    return Reader(rules or Rules(timestamps="keep")).read(text.encode()).families


def catalogue(*, policy: Exposition | None = None, **sent: str) -> Catalogue:
    """Return a catalogue to which each application sent its text, in this order."""
    filled = Catalogue(policy or exposition())
    for application, text in sent.items():
        filled.replace(application, families(text))
    return filled


def read_strictly(open_metrics: bytes) -> list[Metric]:
    """Return what a strict reader of OpenMetrics takes a text for, its end added."""
    text = open_metrics.decode() + "# EOF\n"
    read = parser.text_string_to_metric_families
    return list(read(text))  # type: ignore[no-untyped-call]  # published without types
