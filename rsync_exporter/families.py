"""Metric families from plain numbers."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from rsync_exporter.sessions.ledger import Histogram

type Numbers = Mapping[Any, float]


def counter(
    name: str, documentation: str, labels: Sequence[str], numbers: Numbers
) -> Metric:
    """Return a counter with a sample for each key, which holds the labels' values."""
    family = CounterMetricFamily(name, documentation, labels=labels)
    for key, number in numbers.items():
        family.add_metric(_values(key), number)
    return family


def gauge(
    name: str, documentation: str, labels: Sequence[str], numbers: Numbers
) -> Metric:
    """Return a gauge with a sample for each key, which holds the labels' values."""
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for key, number in numbers.items():
        family.add_metric(_values(key), number)
    return family


def histogram(
    name: str, documentation: str, labels: Sequence[str], numbers: Histogram
) -> Metric:
    """Return a histogram with its cumulated buckets."""
    family = HistogramMetricFamily(name, documentation, labels=labels)
    bounds = [*map(floatToGoString, numbers.bounds), "+Inf"]
    for key, (*counts, total) in numbers.by_labels.items():
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        family.add_metric(_values(key), buckets, total)
    return family


def _values(key: Any) -> Sequence[str]:  # noqa: ANN401 - one value, or some
    return tuple(map(str, key)) if isinstance(key, tuple) else (str(key),)
