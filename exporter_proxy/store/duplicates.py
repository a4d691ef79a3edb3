"""What is served of a metric that several applications send.

Rules are functions: every application's lines of one metric in, what is served of each
out. Who is not in the answer is left out; who is there with nothing became part of
another one's lines. Which of a histogram's lines are served is decided for all of them
at once, for buckets of two applications would make no histogram.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan

from exporter_proxy.config.sections import Exposition
from exporter_proxy.exposition.identity import identity, metrics
from exporter_proxy.exposition.lines import lines_of
from exporter_proxy.store.claims import Claims
from exporter_proxy.store.offer import Offer
from exporter_proxy.store.policies import escaped

# The lines of one metric by who sends them, in the order in which they came to do so.
type Copies = Mapping[Offer, Sequence[bytes]]
type Rule = Callable[[Copies, Claims], Copies]
type Combination = Callable[[Sequence[float]], float]

_LABEL = re.compile(rb'[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def rule_of(exposition: Exposition) -> Rule:
    """Return the rule that is configured."""
    rule = _RULES[exposition.duplicate_series]
    return _labelled_or(rule) if exposition.app_label == "collision" else rule


def _first(copies: Copies, _: Claims) -> Copies:
    first = next(iter(copies))
    return {first: copies[first]}


def _last(copies: Copies, _: Claims) -> Copies:
    last = max(copies, key=lambda offer: offer.delivery)
    return {last: copies[last]}


def _combined(combine: Combination) -> Rule:
    """Return the rule that serves one number in place of several."""

    def rule(copies: Copies, _: Claims) -> Copies:
        values = {offer: _values(offer, lines) for offer, lines in copies.items()}
        first = next(iter(copies))
        alike = [o for o in copies if values[o].keys() == values[first].keys()]
        if len(alike) == 1:
            return {first: copies[first]}
        lines = [
            b"%b %b\n" % (series, number(combine([values[o][known][1] for o in alike])))
            for known, (series, _) in values[first].items()
        ]
        return {offer: lines if offer is first else () for offer in alike}

    return rule


def _values(offer: Offer, lines: Sequence[bytes]) -> dict[bytes, tuple[bytes, float]]:
    """Return series and value of each line, by what tells it from the others."""
    return {
        identity(offer.family.type, line.series): (line.series, float(line.value))
        for line in lines_of(b"".join(lines))
    }


def _of_numbers(pick: Callable[[Sequence[float]], float]) -> Combination:
    """Return a combination for which NaN counts only where there is nothing else."""
    return lambda values: pick([v for v in values if not isnan(v)] or values)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _labelled_or(other: Rule) -> Rule:
    """Return the rule that tells copies apart by the label ``app``.

    A metric that has that label already goes by the other rule. One that somebody sends
    with that very label is left out in its favour: nobody's series changes for that of
    another.
    """

    def rule(copies: Copies, claims: Claims) -> Copies:
        if _has_app(next(iter(copies.values()))[0]):
            return other(copies, claims)
        labelled = {
            offer: [with_app(line, offer.application) for line in lines]
            for offer, lines in copies.items()
        }
        return {
            offer: lines
            for offer, lines in labelled.items()
            if metrics(offer.family.type, lines[0])[0] not in claims
        }

    return rule


def _has_app(line: bytes) -> bool:
    return any(label.startswith(b'app="') for label in _labels(line))


def _labels(line: bytes) -> list[bytes]:
    """Return the labels of a line, without an ``app`` that has no value."""
    labels = lines_of(line)[0].series.partition(b"{")[2]
    return [label for label in _LABEL.findall(labels) if label != b'app=""']


def with_app(line: bytes, application: str) -> bytes:
    """Return a line with the label ``app`` added, in its sorted place."""
    series = lines_of(line)[0].series
    labels = sorted([*_labels(line), b'app="%b"' % escaped(application)])
    name = series.partition(b"{")[0]
    return b"%b{%b}%b" % (name, b",".join(labels), line[len(series) :])


def number(value: float) -> bytes:
    """Return a number as Prometheus reads it."""
    spelled = {"nan": b"NaN", "inf": b"+Inf", "-inf": b"-Inf"}
    return spelled.get(repr(value)) or repr(value).encode()


_RULES: Mapping[str, Rule] = {
    "first": _first,
    "last": _last,
    "sum": _combined(sum),
    "max": _combined(_of_numbers(max)),
    "min": _combined(_of_numbers(min)),
    "avg": _combined(_mean),
}
