"""The wrong kind of log is told apart from a daemon's, whatever is in either."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.kind import Judge, problem
from rsync_exporter.rsyncd.line_format import RSYNCD
from rsync_exporter.tail.chunk import Chunk

DATA = Path(__file__).parent / "data"
STAMP = b"2026/11/22 04:05:06 [7] "


@pytest.mark.parametrize(
    "path", sorted(DATA.glob("rsyncd_*.log")), ids=lambda p: p.name
)
def test_a_daemon_s_log_is_none_of_them(path: Path):
    assert problem(path.read_bytes().splitlines(), RSYNCD) is None


def test_a_client_s_log():
    lines = (DATA / "client_log_file.log").read_bytes().splitlines()
    assert problem(lines, RSYNCD) == "it is the log of an rsync client, not of a daemon"


def test_a_binary_file():
    lines = Path("/bin/sh").read_bytes()[:65_536].split(b"\n")
    assert problem(lines, RSYNCD) == "it is a binary file"


def test_another_program_s_log():
    lines = [b"192.0.2.7 - - [22/Nov/2026:04:05:06 +0000] GET / HTTP/1.1"]
    assert problem(lines, RSYNCD) == "none of its lines reads as one of rsyncd's"


def test_nothing_is_known_of_an_empty_file():
    assert problem([], RSYNCD) is None


@pytest.mark.parametrize(
    "message",
    [
        b"receiving file list",
        b"file has vanished: x",
        b">f+++++++++ x",
        b"*deleting   x",
    ],
)
def test_a_daemon_may_itemize_what_it_does(message: bytes):
    lines = [STAMP + b"connect from h (192.0.2.1)", STAMP + message]
    assert problem(lines, RSYNCD) is None


@given(st.lists(st.binary(), max_size=5))
def test_any_lines_are_judged(lines: list[bytes]):
    problem(lines, RSYNCD)


def test_each_file_is_judged_once(caplog: pytest.LogCaptureFixture):
    judge = Judge(RSYNCD)
    for lines in ([], [b"hello"], [b"hello"], [STAMP + b"connect from h (192.0.2.1)"]):
        judge.look_at(Chunk("/var/log/x", 0, lines, ends=True))
    assert [record.getMessage() for record in caplog.records] == [
        "nothing can be counted here file=/var/log/x: none of its lines reads as one of"
        " rsyncd's"
    ]
