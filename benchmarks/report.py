"""What a benchmark found: figures in, a Markdown table and a line of JSON out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

_JSON_FIELDS = ("what", "unit", "ours", "peer", "peer_name", "ratio", "target", "met")


@dataclass(frozen=True)
class Measure:
    """Something that is measured.

    target: beside a peer, how many times better ours is to be; alone, what ours is to
        reach in its unit.
    """

    what: str
    unit: str
    target: float | None = None
    more_is_better: bool = False

    def ratio(self, ours: float, peer: float) -> float:
        """Return how many times better ours is."""
        return ours / peer if self.more_is_better else peer / ours

    def is_met(self, ours: float, ratio: float | None) -> bool | None:
        """Return whether the target is met; None if there is none."""
        if self.target is None:
            return None
        if ratio is not None:
            return ratio >= self.target
        return ours >= self.target if self.more_is_better else ours <= self.target


@dataclass(frozen=True)
class Row:
    """A measure's medians over all rounds, and the ratio of each round."""

    what: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str | None
    ratio: float | None
    target: float | None
    met: bool | None
    ratios: tuple[float, ...] = ()


@dataclass(frozen=True)
class Report:
    """A benchmark's rows, and what is to be said beside them, in Markdown."""

    benchmark: str
    rows: Sequence[Row]
    remarks: Sequence[str] = ()


class Figures:
    """What was measured of whom, one figure a round."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, Measure], list[float]] = defaultdict(list)

    def add(self, who: str, figures: Iterable[tuple[Measure, float]]) -> None:
        """Note what one round came to."""
        for measure, figure in figures:
            self._figures[who, measure].append(figure)

    def row(self, measure: Measure, ours: str, peer: str | None = None) -> Row:
        """Return a measure's row; ours alone where there is no peer.

        Raises KeyError when there is no figure.
        """
        mine = self._of(ours, measure)
        theirs = self._of(peer, measure) if peer else ()
        middle, other = median(mine), median(theirs) if theirs else None
        ratio = None if other is None else measure.ratio(middle, other)
        return Row(
            measure.what,
            measure.unit,
            middle,
            other,
            peer,
            ratio,
            measure.target,
            measure.is_met(middle, ratio),
            tuple(map(measure.ratio, mine, theirs)),
        )

    def median(self, who: str, measure: Measure) -> float:
        """Return the median of all rounds. Raises KeyError when there is no figure."""
        return median(self._of(who, measure))

    def _of(self, who: str, measure: Measure) -> Sequence[float]:
        if (who, measure) not in self._figures:
            raise KeyError(f"{who}: {measure.what}")
        return self._figures[who, measure]


def json_line(report: Report, machine: str, date: str) -> str:
    """Return the report as one line of JSON."""
    return json.dumps(
        {
            "benchmark": report.benchmark,
            "machine": machine,
            "date": date,
            "rows": [
                {name: _rounded(getattr(row, name)) for name in _JSON_FIELDS}
                for row in report.rows
            ],
        }
    )


def markdown(report: Report, machine: str, date: str) -> str:
    """Return the report for people, ratios first."""
    parts = [
        f"## {report.benchmark}, {date}",
        f"{machine}.",
        table(("ratio", "what", "ours", "peer", "target"), map(_cells, report.rows)),
        *report.remarks,
    ]
    return "".join(f"{part}\n\n" for part in parts)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rule = ["---"] * len(headings)
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *rows))


def _cells(row: Row) -> tuple[str, ...]:
    peer = f"{_shown(row.peer)} {row.unit} ({row.peer_name})" if row.peer else "—"
    return (_ratio(row), row.what, f"{_shown(row.ours)} {row.unit}", peer, _target(row))


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return "—"
    lowest, highest = min(row.ratios), max(row.ratios)
    return f"**{_shown(row.ratio)}** ({_shown(lowest)} to {_shown(highest)})"


def _target(row: Row) -> str:
    if row.target is None:
        return "—"
    unit = row.unit if row.ratio is None else "times"
    return f"{_shown(row.target)} {unit}: {'met' if row.met else 'missed'}"


def _shown(figure: float) -> str:
    """Return a figure with three digits that count."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:#.3g}".rstrip(".")


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
