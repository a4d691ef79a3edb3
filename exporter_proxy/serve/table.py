"""The page ``/apps``: every application in a text table, for people with curl."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from exporter_proxy.store.applications import Application
from exporter_proxy.store.catalogue import Catalogue

HEADINGS = ("application", "last update (UTC)", "source", "state", "series", "remarks")
NEVER = "never"


def apps_page(
    applications: Iterable[Application], catalogue: Catalogue, now: float
) -> str:
    """Return the current time and the table, each ending with a line feed."""
    rows = [_row(application, catalogue) for application in applications]
    return f"Current time: {_shown(now)} UTC\n\n{_table([HEADINGS, *rows])}"


def _row(application: Application, catalogue: Catalogue) -> Sequence[str]:
    updated = application.updated_at
    return (
        application.name,
        NEVER if updated is None else _shown(updated),
        application.source,
        application.state,
        str(application.series),
        "; ".join(_remarks(application, catalogue)),
    )


def _remarks(application: Application, catalogue: Catalogue) -> Iterable[str]:
    if application.last_error:
        yield application.last_error
    if families := catalogue.left_out_families(application.name):
        yield f"left out, clashing with another application: {', '.join(families)}"
    if series := catalogue.left_out_series(application.name):
        yield f"{series} series left out, another application sends them as well"


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _table(rows: Sequence[Sequence[str]]) -> str:
    cells = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    heading, *lines = ["|".join(_boxed(row, widths)) for row in cells]
    return "\n".join([rule, heading, rule, *lines, rule, ""])


def _boxed(row: Iterable[str], widths: Iterable[int]) -> list[str]:
    filled = (f" {cell:{width}} " for cell, width in zip(row, widths, strict=True))
    return ["", *filled, ""]


def _printable(text: str) -> str:
    """Return the text on one line: what others sent cannot forge a row."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
