"""The page ``/apps`` as a text table, for people with curl."""

from collections.abc import Iterable, Sequence

from exporter_proxy.serve.summary import Summary, duration, one_line, utc

HEADINGS = ("application", "last update (UTC)", "age", "source", "state", "series")
REMARKS = "remarks"
NEVER = "never"


def table(summaries: Iterable[Summary], now: float) -> str:
    """Return the current time and the table, each ending with a line feed.

    Remarks stand behind the table, on the line of their application: one that is long
    would make every line as long.
    """
    shown = list(summaries)
    cells = [HEADINGS, *map(_cells, shown)]
    remarks = [REMARKS, *(one_line("; ".join(each.remarks())) for each in shown)]
    return f"Current time: {utc(now)} UTC\n\n{_boxed(cells, remarks)}"


def _cells(summary: Summary) -> Sequence[str]:
    application, age = summary.application, summary.age
    return (
        one_line(application.name),
        NEVER if application.updated_at is None else utc(application.updated_at),
        "" if age is None else duration(age),
        one_line(application.source),
        application.state,
        str(application.series),
    )


def _boxed(cells: Sequence[Sequence[str]], remarks: Sequence[str]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    heading, *lines = [
        f"{_line(row, widths)} {remark}".rstrip()
        for row, remark in zip(cells, remarks, strict=True)
    ]
    return "\n".join([rule, heading, rule, *lines, rule, ""])


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    filled = (f" {cell:{width}} " for cell, width in zip(row, widths, strict=True))
    return "|".join(["", *filled, ""])
