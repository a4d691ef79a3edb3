"""What strict readers of OpenMetrics want of counters, histograms and summaries.

Some of it can be told from the series: that the lines of each metric stand together,
their bounds in order and none missing. The rest from the values: that nothing counted
is negative, and that a histogram's buckets and count agree.
Source: OpenMetrics 1.0.0, and what prometheus_client's reader refuses.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import inf, isnan

from exporter_proxy.exposition.identity import BOUNDS, metrics
from exporter_proxy.exposition.lines import Line, lines_of, series_of

# In a line without a time, a number below zero or NaN has one of these.
_BAD_PARTS = (b" -", b"n\n", b"N\n")
_BAD_COUNTER = re.compile(rb"^(?:.*\}|[^ \n]+) (?:-|[nN])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one metric, by their numbers, from 0.

    bounds: those with a bound; that of a histogram's last one is +Inf.
    """

    bounds: Sequence[int]
    sum: int | None
    count: int | None

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of all lines."""
        yield from self.bounds
        yield from (number for number in (self.sum, self.count) if number is not None)


type Groups = Sequence[Group]


def groups_of(name: bytes, family_type: bytes, samples: bytes) -> Groups | None:
    """Return the metrics of a histogram or summary; None when they will not do."""
    series = series_of(samples)
    numbers: dict[bytes, list[int]] = {}
    for number, metric in enumerate(metrics(family_type, samples)):
        numbers.setdefault(metric, []).append(number)
    groups = []
    for mine in numbers.values():
        if mine[-1] - mine[0] >= len(mine):
            return None  # another metric's lines stand between them
        group = _group(name, family_type, mine[0], [series[n] for n in mine])
        if group is None:
            return None
        groups.append(group)
    return groups


def counters_fit(lines: bytes, timed: bool) -> bool:
    """Return whether no line of a counter is negative or not a number."""
    if not timed and not any(part in lines for part in _BAD_PARTS):
        return True  # five times quicker than the search below
    return not _BAD_COUNTER.search(lines)


def groups_fit(family_type: bytes, groups: Groups, lines: bytes, timed: bool) -> bool:
    """Return whether each metric has one time, or none, and values that agree."""
    if timed:
        parts = lines_of(lines)
        values = [float(part.value) for part in parts]
        if not all(_has_one_time(group, parts) for group in groups):
            return False
    else:
        values = [float(line.rpartition(b" ")[2]) for line in BytesIO(lines)]
    fits = _histogram_fits if family_type == b"histogram" else _summary_fits
    return all(fits(group, values) for group in groups)


def _has_one_time(group: Group, lines: Sequence[Line]) -> bool:
    return len({lines[number].timestamp for number in group.numbers()}) == 1


def _group(
    name: bytes, family_type: bytes, start: int, series: Sequence[bytes]
) -> Group | None:
    bearer, _, pattern = BOUNDS[family_type]
    found: dict[bytes, int] = {}
    places, bounds = [], []
    for number, each in enumerate(series, start):
        suffix = each.partition(b"{")[0].removeprefix(name)
        bound = pattern.match(each)
        if suffix == bearer and bound:
            places.append(number)
            bounds.append(bound[1])
        elif bound or suffix in found:
            return None
        else:
            found[suffix] = number
    group = Group(places, found.get(b"_sum"), found.get(b"_count"))
    fit = _buckets_fit if family_type == b"histogram" else _quantiles_fit
    return group if fit(group, bounds) else None


def _buckets_fit(group: Group, bounds: Sequence[bytes]) -> bool:
    numbers = [float(bound) for bound in bounds]
    ascending = all(low < high for low, high in pairwise(numbers))
    complete = bounds[-1:] == [b"+Inf"] and None not in (group.sum, group.count)
    return complete and ascending and numbers[0] >= 0


def _quantiles_fit(_: Group, bounds: Sequence[bytes]) -> bool:
    return all(0 <= float(bound) <= 1 for bound in bounds)


def _histogram_fits(group: Group, values: Sequence[float]) -> bool:
    buckets = [values[number] for number in group.bounds]
    return (
        _is_count(buckets[0])
        and all(map(float.is_integer, buckets))
        and buckets == sorted(buckets)
        and values[group.count or 0] == buckets[-1]
        and _is_sum(values[group.sum or 0])
    )


def _summary_fits(group: Group, values: Sequence[float]) -> bool:
    return (
        not any(values[number] < 0 for number in group.bounds)
        and (group.count is None or _is_count(values[group.count]))
        and (group.sum is None or _is_sum(values[group.sum]))
    )


def _is_count(value: float) -> bool:
    return 0 <= value < inf and value.is_integer()


def _is_sum(value: float) -> bool:
    return not isnan(value) and value >= 0
