"""A quick look at what is stored: the checks last heard of, and how they did."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from db_writer.store import connect
from servicekit import ServiceFailed

# However much is stored, only so many checks are looked up, each by its index.
MOST_CHECKS = 50

_QUERY = """
    SELECT
        checks.check_id, url, expected_code, regexp, last.created AS last_created,
        last.success AS last_success, last.code AS last_code,
        last.reason AS last_reason, last.response_time AS last_response_time,
        day.results, day.successes
    FROM (
        SELECT * FROM checks ORDER BY last_check DESC, check_id LIMIT %(most)s
    ) AS checks
    CROSS JOIN LATERAL (
        SELECT * FROM results WHERE results.check_id = checks.check_id
        ORDER BY created DESC LIMIT 1
    ) AS last
    CROSS JOIN LATERAL (
        SELECT count(*) AS results, count(*) FILTER (WHERE success) AS successes
        FROM results
        WHERE results.check_id = checks.check_id
            AND created > now() - interval '24 hours'
    ) AS day
    ORDER BY check_id
"""

_HEADINGS = (
    "check", "last result (UTC)", "verdict", "code", "seconds", "in 24 h", "good", "url"
)  # fmt: skip


class CheckSummary(NamedTuple):
    """One check: its definition, its last result, and its last 24 hours in numbers."""

    check_id: int
    url: str
    expected_code: int
    regexp: str
    last_created: datetime
    last_success: bool
    last_code: int | None
    last_reason: str
    last_response_time: float
    results: int
    successes: int


def look_up(uri: str) -> list[CheckSummary]:
    """Return the checks last heard of, in the order of their numbers.

    Raises ServiceFailed when the database cannot tell.
    """
    rows = class_row(CheckSummary)
    try:
        with connect(uri) as connection, connection.cursor(row_factory=rows) as cursor:
            return cursor.execute(_QUERY, {"most": MOST_CHECKS}).fetchall()
    except psycopg.errors.UndefinedTable:  # no writer has been here yet
        return []
    except psycopg.Error as error:
        raise ServiceFailed(f"postgresql_uri: {error}") from error


def report(checks: Sequence[CheckSummary]) -> Iterator[str]:
    """Yield the lines of a table for people."""
    rows = [_HEADINGS, *map(_cells, checks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    if not checks:
        yield "(nothing is stored yet)"
    elif len(checks) == MOST_CHECKS:
        yield f"({MOST_CHECKS} checks, those with the latest results)"


def _cells(check: CheckSummary) -> tuple[str, ...]:
    expected = check.regexp and f" matching {check.regexp!r}"
    return (
        str(check.check_id),
        f"{check.last_created:%Y-%m-%d %H:%M:%S}",
        "good" if check.last_success else check.last_reason,
        "-" if check.last_code is None else str(check.last_code),
        f"{check.last_response_time:.3f}",
        str(check.results),
        f"{check.successes / check.results:.1%}" if check.results else "-",
        f"{check.url}{expected or f' answering {check.expected_code}'}",
    )
