"""Any log at all, damaged or made up: what must hold whatever was read."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.tests.records import (
    ALLOWED,
    CONNECT,
    DATES,
    FORGED,
    PLACES,
    REQUEST,
    SUMMARY,
)
from rsync_exporter.tests.telling import Samples, Telling, number_of_lines, told, total

DATA = Path(__file__).parent / "data"
RECORDED = b"".join(path.read_bytes() for path in sorted(DATA.glob("*.log")))
RECORDED_LINES = RECORDED.splitlines()
STAMPS = st.sampled_from(
    [
        *(b"2026/11/21 20:55:%02d" % second for second in range(0, 60, 7)),
        *(b"2026/11/21 21:55:40", b"2026/11/22 20:55:39", b"2026/11/20 20:55:40"),
        *(*DATES, b"9999/99/99 99:99:99", b"0000/00/00 00:00:00"),
    ]
)
PIDS = st.sampled_from([b"1", b"2", b"3", b"0", b"007", b"99999999999"])
MESSAGES = st.one_of(
    st.sampled_from([*FORGED, CONNECT, ALLOWED, REQUEST, SUMMARY]),
    st.sampled_from(RECORDED_LINES).map(lambda line: line.partition(b"] ")[2]),
    st.sampled_from(PLACES).map(lambda place: place.partition(b"NAME")[0]),
    st.binary(max_size=50),
)
RECORDS = st.tuples(STAMPS, PIDS, MESSAGES, st.binary(max_size=5)).map(
    lambda parts: b"%b [%b] %b%b" % parts
)
LINES = st.one_of(RECORDS, st.binary(max_size=100), st.sampled_from(RECORDED_LINES))
LOGS = st.lists(LINES, max_size=40).map(b"\n".join)


@st.composite
def damaged_logs(draw: st.DrawFn) -> bytes:
    """Recorded logs of which some bytes were replaced, inserted or left out."""
    start = draw(st.integers(0, len(RECORDED) - 5_000))
    log = bytearray(RECORDED[start : start + 5_000])
    for _ in range(draw(st.integers(1, 20))):
        place = draw(st.integers(0, len(log)))
        log[place : place + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(log)


def assert_consistent(samples: Samples, log: bytes) -> None:
    """Check what must hold whatever was read: each line and session counts once."""
    assert number_of_lines(samples) == log.count(b"\n")
    sessions = total(samples, "rsyncd_sessions_total")
    assert sessions == samples.get("rsync_connections_total", 0)
    assert total(samples, "rsyncd_sessions_active") == 0
    assert all(value > 0 for value in samples.values())


@settings(deadline=None, max_examples=300)
@given(LOGS | damaged_logs())
def test_any_log_is_counted_line_by_line(log: bytes):
    assert_consistent(told(log), log)


@settings(deadline=None, max_examples=100)
@given(LOGS | damaged_logs(), st.data())
def test_any_log_is_the_same_however_it_is_cut(log: bytes, data: st.DataObject):
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=10).map(sorted))
    pieces = [log[a:b] for a, b in pairwise([0, *cuts, len(log)])]
    assert unhurried(told(*pieces)) == unhurried(told(log))


@settings(deadline=None, max_examples=100)
@given(LOGS | damaged_logs(), st.data())
def test_any_log_is_the_same_after_a_restart(log: bytes, data: st.DataObject):
    lines_of_it = log.splitlines(keepends=True)
    stop = data.draw(st.integers(0, len(lines_of_it)))
    telling = Telling()
    telling.read(*lines_of_it[:stop], ends=False)
    telling.restart()
    telling.read(*lines_of_it[stop:])
    assert unhurried(telling.at_the_end()) == unhurried(told(log))


def unhurried(samples: Samples) -> Samples:
    """Leave out what the clock on the wall tells."""
    return samples | {"rsync_exporter_lag_seconds": 0}
