"""Records that clients put into the log: no number comes of them, but they are seen.

Up to 3.4.4 rsync writes names as they are, newlines included: whoever asks for a file
can have lines in the log that look like the daemon's own.
"""

import pytest

from rsync_exporter.tests.records import (
    ALLOWED,
    DATES,
    FORGED,
    HUGE,
    PLACES,
    REQUEST,
    SUMMARY,
    record,
    session,
)
from rsync_exporter.tests.telling import (
    lines,
    number_of_lines,
    of_the_daemon,
    told,
    total,
)

EACH_PLACE = pytest.mark.parametrize("place", PLACES, ids=lambda p: p[:15].decode())

ODD_NAMES = (
    b"esc\x1b[31m",
    b"nul\x00",
    b"latin-1 \xe9\xff",
    "UTF-8 é日本".encode(),
    b"UTF-8 as 3.5.0 writes it \xe6\\#227\xa5",
    b"tab\there",
    b"return\r",
    b"quote\" and 'quote'",
    b"(parentheses) [brackets] {braces}",
    b"an escape \\#134#012 escaped",
    b"half an escape \\#0",
    b" ",
    b"from evil (9.9.9.9)",
    b"x from evil (9.9.9.9)",
    b"x tried from evil (9.9.9.9)",
    b"new\nline",
    b"\n\n\n",
    b'new "line"\n',
    b"new (line)\nin parentheses",
)


def session_with(place: bytes, name: bytes) -> bytes:
    """Return a session in one of whose messages a client's name stands."""
    request = () if place.startswith((b"rsync on", b"rsync to")) else (REQUEST,)
    return session(*request, place.replace(b"NAME", name), SUMMARY)


@EACH_PLACE
@pytest.mark.parametrize("forged", FORGED, ids=lambda message: message[:15].decode())
@pytest.mark.parametrize("pid", [1012, 4321])
@pytest.mark.parametrize("date", DATES)
def test_a_record_in_a_name_is_part_of_the_name(
    place: bytes, forged: bytes, pid: int, date: bytes
):
    name = b"x\n" + record(forged, pid, date).rstrip(b"\n")
    samples = told(session_with(place, name))
    assert of_the_daemon(samples) == of_the_daemon(told(session_with(place, b"x")))
    assert lines(samples, "joined") == 1


@EACH_PLACE
@pytest.mark.parametrize("forged", FORGED, ids=lambda message: message[:15].decode())
def test_a_record_in_an_escaped_name_is_part_of_the_name(place: bytes, forged: bytes):
    name = b"x\\#012" + record(forged).rstrip(b"\n") + b"\\#012"
    samples, harmless = (told(session_with(place, one)) for one in (name, b"x"))
    assert of_the_daemon(samples) == of_the_daemon(harmless)
    assert lines(samples, "matched") == lines(harmless, "matched")
    assert number_of_lines(samples) == number_of_lines(harmless)


@EACH_PLACE
@pytest.mark.parametrize("date", DATES)
def test_names_full_of_records_add_no_bytes(place: bytes, date: bytes):
    forged = b"".join(record(message, 1012, date) for message in FORGED)
    samples = told(session_with(place, b"x\n" + forged + b"x"))
    assert samples.get("rsync_data_sent_bytes_total") == 100
    assert samples.get("rsync_data_received_bytes_total") == 10
    assert total(samples, "rsyncd_sent_bytes_total") == 100


@EACH_PLACE
@pytest.mark.parametrize("name", ODD_NAMES)
def test_what_bytes_a_name_has_makes_no_difference(place: bytes, name: bytes):
    samples = told(session_with(place, name))
    assert of_the_daemon(samples) == of_the_daemon(told(session_with(place, b"x")))


def test_lines_of_sessions_that_never_began_are_suspect():
    forged = (HUGE, FORGED[4], REQUEST, ALLOWED, FORGED[5])
    log = b"".join(record(message, 1012) for message in forged)
    samples = told(session(REQUEST, SUMMARY) + log)
    assert of_the_daemon(samples) == of_the_daemon(told(session(REQUEST, SUMMARY)))
    assert lines(samples, "suspect") == len(forged)


@pytest.mark.parametrize(
    "date", [DATES[0], b"2026/11/20 20:55:39", b"2126/11/21 20:55:40"]
)
def test_records_of_another_day_are_suspect(date: bytes):
    log = session(REQUEST) + record(HUGE, at=date) + record(SUMMARY)
    samples = told(log)
    assert of_the_daemon(samples) == of_the_daemon(told(session(REQUEST, SUMMARY)))
    assert lines(samples, "suspect") == 1


def test_a_clock_that_was_set_is_believed_in_the_end():
    before = session(REQUEST, SUMMARY)
    after = before.replace(b"2026/11/21", b"2025/01/01") * 100
    samples = told(before + after)
    assert samples["rsync_connections_total"] > 50


def test_a_session_moves_its_bytes_once():
    samples = told(session(REQUEST, SUMMARY) + record(HUGE))
    assert samples["rsync_data_sent_bytes_total"] == 100
    assert lines(samples, "suspect") == 1
