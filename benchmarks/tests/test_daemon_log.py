"""The made-up log says what it is said to say: counted again, by simple patterns."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.rsync_exporter import daemon_log
from benchmarks.rsync_exporter.counts import Counts
from benchmarks.rsync_exporter.daemon_log import (
    DURATION,
    START,
    write_clean,
    write_open,
)

LINES = 30_000
LINE = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] [!-~][ -~]*")
SUMMARY = re.compile(
    r"\] sent (\d+) bytes  received (\d+) bytes  total size (\d+)$", re.MULTILINE
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Counts]:
    log = write_clean(tmp_path_factory.mktemp("logs") / "clean.log", LINES)
    return log.path.read_text(encoding="ascii"), log.counts


def test_counts_are_those_of_the_lines(clean: tuple[str, Counts]):
    text, counts = clean
    summaries = [tuple(map(int, found)) for found in SUMMARY.findall(text)]
    assert counts.lines == len(text.splitlines()) == LINES
    assert counts.connections == text.count("] connect from ")
    assert counts.executions == len(re.findall(r"\] rsync (?:on|to) ", text))
    assert counts.files == len(re.findall(r"\] (?:send|recv) ", text))
    assert (counts.sent_bytes, counts.received_bytes, counts.exchanged_bytes) == tuple(
        map(sum, zip(*summaries, strict=True))
    )
    codes = re.findall(r"\] rsync error: .*\(code (\d+)\)", text)
    assert counts.errors == Counter(map(int, codes))


def test_every_session_has_its_outcome(clean: tuple[str, Counts]):
    text, counts = clean
    sessions = counts.sessions
    assert sessions.total() == counts.connections
    for ending, outcome in {
        "] module-list request": "list",
        "] unknown module": "unknown_module",
        "] rsync denied": "denied",
        "] auth failed": "auth_failed",
        "] max connections": "max_connections",
    }.items():
        assert sessions["none", outcome] == text.count(ending) > 0


def test_lines_are_a_daemons_in_the_order_of_time(clean: tuple[str, Counts]):
    lines = clean[0].splitlines()
    assert all(map(LINE.fullmatch, lines))
    assert "rsyncd version" in lines[0]
    stamps = [line[:19] for line in lines]
    assert stamps == sorted(stamps)
    assert stamps[-1] >= f"{START + DURATION - timedelta(seconds=9):%Y/%m/%d %H:%M:%S}"


def test_many_sessions_are_open_at_once(clean: tuple[str, Counts]):
    pids = re.findall(r"\[(\d+)\]", clean[0])
    assert len(set(pids[1000:1300])) > daemon_log.AT_ONCE / 2


def test_sessions_without_end_are_over_long_before_the_log_is(
    clean: tuple[str, Counts],
):
    text, counts = clean
    of = Counter(re.findall(r"\[(\d+)\]", text))
    silent = [line for line in text.splitlines() if of[line[21:].split("]")[0]] == 1]
    assert len(silent) == counts.sessions["none", "expired"] + 1  # and the daemon
    longest = START + DURATION - timedelta(seconds=400)
    assert max(line[:19] for line in silent) < f"{longest:%Y/%m/%d %H:%M:%S}"


def test_the_same_log_every_time(tmp_path: Path):
    one = write_clean(tmp_path / "one", 500)
    other = write_clean(tmp_path / "other", 500)
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.counts == other.counts


def test_any_number_of_lines(tmp_path: Path):
    for lines in range(10, 60):
        log = write_clean(tmp_path / "log", lines)
        assert log.path.read_bytes().count(b"\n") == lines


def test_open_sessions_have_no_end(tmp_path: Path):
    log = write_open(tmp_path / "log", 300)
    text = log.path.read_text(encoding="ascii")
    assert text.count("] connect from ") == log.counts.connections == 300
    assert len(text.splitlines()) == log.counts.lines
    assert not SUMMARY.search(text)
