"""What tells one series from another, as Prometheus sees it."""

import re

from exporter_proxy.exposition.grammar import is_number

# Read from the start of a clean series: within a value the same text may stand as well.
_LABELS_BEFORE = rb'[^{]*+\{(?:[^=]++="[^"\\]*+(?:\\.[^"\\]*+)*+",)*?'


def _bound(label: bytes) -> re.Pattern[bytes]:
    return re.compile(_LABELS_BEFORE + label + rb'="([^"]*)"', re.DOTALL)


# The suffix of the samples that have a bound, the label it is in, and how it is found.
BOUNDS = {
    b"histogram": (b"_bucket", "le", _bound(b"le")),
    b"summary": (b"", "quantile", _bound(b"quantile")),
}


def identity(family_type: bytes, series: bytes) -> bytes:
    """Return what tells a clean series from all others.

    Prometheus reads ``le="1"`` and ``le="1.0"`` as the same bound.
    """
    if family_type not in BOUNDS:
        return series
    bound = BOUNDS[family_type][2].match(series)
    if not (bound and is_number(bound[1])):
        return series
    start, end = bound.span(1)
    return b"%b%r%b" % (series[:start], float(bound[1]), series[end:])
