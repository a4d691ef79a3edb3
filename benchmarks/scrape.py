"""Scrapes as Prometheus does them, and that they are complete."""

from benchmarks.connection import LARGE_ROOM_BYTES, Answer, Connection
from benchmarks.failure import Failed
from benchmarks.load import accepted


def scrape(port: int, request: bytes) -> Answer:
    """Return the answer on a fresh connection. Raises Failed and OSError."""
    with Connection(port, LARGE_ROOM_BYTES) as connection:
        return accepted(connection.exchange(request))


def check_complete(answer: Answer, series: int) -> None:
    """Raise Failed when an answer has fewer series."""
    body = answer.body()
    comments = body.count(b"\n#") + body.startswith(b"#")
    found = body.count(b"\n") - body.count(b"\n\n") - comments
    if found < series:
        raise Failed(f"a scrape has {found} series instead of {series}")
