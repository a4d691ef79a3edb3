"""What tells one series from another, as Prometheus sees it."""

import re

from exporter_proxy.exposition.grammar import is_number
from exporter_proxy.exposition.lines import series_of

# Read from the start of a clean series: within a value the same text may stand as well.
_LABELS_BEFORE = rb'[^{]*+\{(?:[^=]++="[^"\\]*+(?:\\.[^"\\]*+)*+",)*?'

# Empty values are found without that: no value holds a quote without a backslash.
_EMPTY = b'=""'
_NAME = rb"[a-zA-Z_][a-zA-Z0-9_]*+"
_LATER_AND_EMPTY = re.compile(rb"," + _NAME + _EMPTY)
_ALONE_AND_EMPTY = re.compile(rb"\{" + _NAME + _EMPTY + rb"\}")
_FIRST_AND_EMPTY = re.compile(rb"\{" + _NAME + _EMPTY + rb",")


def _bound(label: bytes) -> re.Pattern[bytes]:
    return re.compile(_LABELS_BEFORE + label + rb'="([^"]*)"', re.DOTALL)


# The suffix of the samples that have a bound, the label it is in, and how it is found.
BOUNDS = {
    b"histogram": (b"_bucket", "le", _bound(b"le")),
    b"summary": (b"", "quantile", _bound(b"quantile")),
}


def identity(family_type: bytes, series: bytes) -> bytes:
    """Return what tells a clean series from all others.

    Prometheus reads ``le="1"`` and ``le="1.0"`` as the same bound, and a label with an
    empty value as none.
    """
    if _EMPTY in series:
        series = _without_empty(series)
    if family_type not in BOUNDS:
        return series
    bound = BOUNDS[family_type][2].match(series)
    if not (bound and is_number(bound[1])):
        return series
    start, end = bound.span(1)
    return b"%b%r%b" % (series[:start], float(bound[1]), series[end:])


def metrics(family_type: bytes, samples: bytes) -> list[bytes]:
    """Return what metric each line of a family is of.

    The buckets, sum and count of a histogram are one metric, so are the quantiles, sum
    and count of a summary: they have all labels in common, but for the bound, and make
    sense only together. Any other series is alone.
    """
    series = series_of(_without_empty(samples) if _EMPTY in samples else samples)
    if family_type not in BOUNDS:
        return series
    return [_without_bound(family_type, each) for each in series]


def _without_bound(family_type: bytes, series: bytes) -> bytes:
    """Return a series' labels, but for the bound."""
    _, label, pattern = BOUNDS[family_type]
    if bound := pattern.match(series):
        before = series[: bound.start(1) - len(f'{label}="')]
        after = series[bound.end(1) + len('"') :]
        comma = after.startswith(b",")
        series = before + after[1:] if comma else before.removesuffix(b",") + after
    return series.partition(b"{")[2].removesuffix(b"}")


def _without_empty(text: bytes) -> bytes:
    """Return series, or lines of them, without the labels that have no value."""
    text = _LATER_AND_EMPTY.sub(b"", text)
    text = _ALONE_AND_EMPTY.sub(b"", text)
    return _FIRST_AND_EMPTY.sub(b"{", text)
