"""Whole logs to counts: recorded ones, damaged ones, and any bytes at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter import tally as module
from rsync_exporter.rsyncd.line_format import RSYNCD, Record
from rsync_exporter.tail.lines import LineSplitter
from rsync_exporter.sessions.tally import Tally, Totals

DATA = Path(__file__).parent / "data"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="ascii"))

ERROR = b"rsync error: error in file IO (code 11) at receiver.c(657) [receiver=3.5.0]"


def count(*blocks: bytes) -> Totals:
    """Return what these blocks of a log add up to."""
    tally, splitter = Tally(), LineSplitter()
    for block in blocks:
        for line in splitter.feed(block):
            tally.add(RSYNCD.records(line))
    return tally.totals()


def count_messages(*messages: tuple[bytes | None, bytes]) -> Totals:
    """Return what these messages, each with its process, add up to."""
    tally = Tally()
    tally.add(Record(pid, message) for pid, message in messages)
    return tally.totals()


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_logs_count_as_an_independent_reading_says(name: str):
    totals, expected = count((DATA / name).read_bytes()), EXPECTED[name]
    assert totals.connections == expected["connections"]
    assert totals.executions == expected["executions"]
    assert totals.sent_bytes == expected["sent_bytes"]
    assert totals.received_bytes == expected["received_bytes"]
    assert totals.exchanged_bytes == expected["exchanged_bytes"]
    assert {str(code): n for code, n in totals.errors.items()} == expected["errors"]
    assert totals.lines == expected["lines"]


def test_one_failed_session_is_one_error():
    totals = count_messages((b"1", ERROR), (b"2", ERROR), (b"1", ERROR))
    assert totals.errors == {11: 2}


def test_a_process_number_that_is_used_again_is_another_session():
    connect = b"connect from localhost (127.0.0.1)"
    totals = count_messages((b"1", ERROR), (b"1", connect), (b"1", ERROR))
    assert totals.errors == {11: 2}


def test_lines_without_a_process_number_each_count():
    assert count_messages((None, ERROR), (None, ERROR)).errors == {11: 2}


def test_the_daemon_that_is_told_to_stop_is_no_failed_session():
    started = b"rsyncd version 3.5.0 starting, listening on port 8737"
    stopped = (
        b"rsync error: received SIGINT, SIGTERM, or SIGHUP (code 20)"
        b" at rsync.c(874) [Receiver=3.5.0]"
    )
    assert not count_messages((b"7", started), (b"7", stopped)).errors


def test_only_so_many_failed_sessions_are_remembered():
    tally = Tally()
    for number in range(2 * module.MAX_SILENCED_PROCESSES):
        tally.add([Record(b"%d" % number, ERROR)] * 2)
    assert tally.totals().errors == {11: 2 * module.MAX_SILENCED_PROCESSES}


def test_totals_handed_out_stay_as_they_are():
    tally = Tally()
    before = tally.totals()
    tally.add([Record(b"1", ERROR), None])
    assert not before.errors
    assert before.lines.total() == 0


LOG = b"".join((DATA / name).read_bytes() for name in EXPECTED)


@settings(deadline=None)
@given(st.lists(st.integers(0, len(LOG)), max_size=20).map(sorted))
def test_counts_do_not_depend_on_how_the_log_was_cut_into_blocks(cuts: list[int]):
    blocks = [LOG[a:b] for a, b in zip([0, *cuts], [*cuts, len(LOG)], strict=True)]
    assert count(*blocks) == count(LOG)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_log_is_counted_all_the_same(data: st.DataObject):
    log = bytearray(LOG[:20_000])
    for _ in range(data.draw(st.integers(1, 50))):
        place = data.draw(st.integers(0, len(log) - 1))
        log[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=9)
        )
    totals = count(bytes(log) + b"\n")
    assert totals.lines.total() >= log.count(b"\n")


@given(st.binary())
def test_any_bytes_are_counted(content: bytes):
    assert count(content).lines["unparsed"] == content.count(b"\n")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "filler", [b"\n", b"\x00", b"\\#012", b"2026/11/21 20:55:45 [1] "]
)
def test_a_hostile_log_takes_no_longer_than_its_size(filler: bytes):
    log = filler * (2_000_000 // len(filler))
    count(*(log[place : place + 65_536] for place in range(0, len(log), 65_536)))
