"""Records that are cut off, and those with odd numbers or times: each is counted."""

import pytest

from rsync_exporter.tests.records import (
    CONNECT,
    DATES,
    HUGE,
    MESSAGE_BYTES,
    REQUEST,
    SUMMARY,
    record,
    session,
)
from rsync_exporter.tests.telling import lines, number_of_lines, told, total


@pytest.mark.parametrize(
    ("length", "connections"), [(2046, 1), (2047, 2), (2048, 1), (3000, 1), (4094, 1)]
)
def test_only_a_cut_message_has_a_record_behind_it(length: int, connections: int):
    message = b"rsync on m/".ljust(length, b"a")
    log = session(message).rstrip(b"\n") + record(CONNECT, 77)
    assert told(log)["rsync_connections_total"] == connections


def cut(line: bytes) -> bytes:
    """Return a line as far as the daemon writes it."""
    start = line.index(b"] ") + 2
    return line[: start + MESSAGE_BYTES]


@pytest.mark.parametrize("escaped", [1, 400, 2000])
@pytest.mark.parametrize(("shift", "connections"), [(-1, 1), (0, 2), (1, 1)])
def test_a_message_is_cut_before_it_is_escaped(
    escaped: int, shift: int, connections: int
):
    message = b"rsync on m/".ljust(MESSAGE_BYTES + shift - escaped, b"a")
    log = session(message + b"\\#012" * escaped).rstrip(b"\n") + record(CONNECT, 77)
    assert told(log)["rsync_connections_total"] == connections


def test_several_cut_messages_share_a_line():
    message = b"rsync on m/".ljust(MESSAGE_BYTES, b"a")
    log = session(message).rstrip(b"\n")
    building = record(b"building " + message).rstrip(b"\n")
    samples = told(log + cut(building) + cut(building) + record(SUMMARY))
    assert samples["rsync_executions_total"] == 1
    assert samples["rsync_data_sent_bytes_total"] == 100
    assert lines(samples, "split") == 3
    assert number_of_lines(samples) == 3


@pytest.mark.parametrize("digits", range(1, 11))
def test_process_numbers_of_any_length(digits: int):
    samples = told(session(REQUEST, SUMMARY, pid=10**digits - 1))
    assert total(samples, "rsyncd_sessions_total") == 1
    assert samples["rsync_data_sent_bytes_total"] == 100


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (b"0", 0),
        (b"5370019986", 5370019986),
        (b"1,234,567", 1234567),  # rsync 3.1.0
        (b"9223372036854775807", float(2**63)),
        (b"9" * 25, float("9" * 25)),
        (b"9" * 30_000, 0),
        (b"-5", 0),
        (b"", 0),
        (b"\xd9\xa3", 0),  # a digit, but of another script
    ],
)
def test_numbers_of_any_size(number: bytes, value: float):
    summary = b"sent %b bytes  received 10 bytes  total size 1000" % number
    assert (
        told(session(REQUEST, summary)).get("rsync_data_sent_bytes_total", 0) == value
    )


@pytest.mark.parametrize(
    "date",
    [
        b"0000/00/00 00:00:00",
        b"0001/01/01 00:00:00",
        b"1969/12/31 23:59:59",
        b"2026/02/30 12:00:00",
        b"2026/13/01 25:61:61",
        b"9999/99/99 99:99:99",
        b"9999/12/31 23:59:59",
    ],
)
def test_times_that_never_were(date: bytes):
    log = session(REQUEST, SUMMARY)
    samples = told(log + record(CONNECT, 5, date) + record(SUMMARY, 5, date))
    assert number_of_lines(samples) == 6
    assert (
        samples['rsyncd_session_duration_seconds_count{direction="pull",module="m"}']
        == 1
    )


def test_a_time_that_cannot_be_read_is_no_worse_after_one_that_is_suspect():
    summary = record(SUMMARY, at=b"9999/99/99 99:99:99")
    samples = told(session(REQUEST) + record(HUGE, at=DATES[0]) + summary)
    assert samples["rsync_data_sent_bytes_total"] == 100


def test_a_session_that_ends_before_it_began_took_no_time():
    log = session(REQUEST) + record(SUMMARY, at=b"2026/11/21 20:55:30")
    samples = told(log)
    assert total(samples, "rsyncd_session_duration_seconds_count") == 1
    assert total(samples, "rsyncd_session_duration_seconds_sum") == 0
    assert samples["rsync_exporter_clock_regressions_total"] == 1
