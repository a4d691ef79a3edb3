"""The parts of a line: rsyncd's own, syslog's, and by a user's pattern."""

import pytest

from rsync_exporter.rsyncd.line_format import RSYNCD, LineFormat, Parts

STAMP = b"2026/11/21 20:55:45"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (STAMP + b" [7417] building", (STAMP, b"7417", b"building")),
        (STAMP + b" [7] a\r", (STAMP, b"7", b"a\r")),
        (
            b"<30>Nov 21 20:58:51 rsyncd[12691]: connect from h (127.0.0.1)",
            (b"Nov 21 20:58:51", b"12691", b"connect from h (127.0.0.1)"),
        ),
        (
            b"Nov  1 20:58:51 mirror rsyncd[1]: building",
            (b"Nov  1 20:58:51", b"mirror/1", b"building"),
        ),
        (
            b"2026-11-21T20:58:51.123456+00:00 mirror rsyncd[1]: building",
            (b"2026-11-21T20:58:51.123456+00:00", b"mirror/1", b"building"),
        ),
        (
            b"2026-11-21T20:58:51+0000 mirror rsyncd[1]: building",
            (b"2026-11-21T20:58:51+0000", b"mirror/1", b"building"),
        ),
    ],
)
def test_rsyncd_s_own_lines_and_those_by_syslog(line: bytes, parts: Parts):
    assert RSYNCD.split(line) == parts


@pytest.mark.parametrize("stamp", [b"2026-11-21T20:58:5Z", b"Nov 21 20:58:51", None])
def test_no_line_of_rsyncd_s_own_begins_with_a_time_of_syslog(stamp: bytes | None):
    assert RSYNCD.start(stamp) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"line.txt 1",
        b"\x00" * 100 + STAMP + b" [1] connect from localhost (127.0.0.1)",
        b"Nov 21 20:58:51 mirror cron[1]: (root) CMD (rsyncd[1]: connect from h)",
    ],
)
def test_a_line_of_another_shape_has_no_parts(line: bytes):
    assert RSYNCD.split(line) is None


def test_a_pattern_names_the_parts():
    pattern = rb"(?P<date>\S+) (?P<time>\S+) <(?P<pid>\d+)> (?P<description>.*)"
    line = b"2026/11/21 20:55:45 <12> connect from h"
    assert LineFormat.compile(pattern).split(line) == (STAMP, b"12", b"connect from h")


def test_a_pattern_needs_no_time_and_no_process():
    line_format = LineFormat.compile(rb"(?P<day>\S+) (?P<description>.*)")
    assert line_format.split(b"today connect from h") == (
        *(None, None, b"connect from h"),
    )


def test_a_group_that_took_no_part_gives_nothing():
    line_format = LineFormat.compile(rb"x+(?P<description>y)?")
    assert line_format.split(b"xxx") is None


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        (b"(", "a regular expression .missing"),
        (b"", "group .\\?P<description>"),
        (b"(?P<message>.*)", "group .\\?P<description>"),
    ],
)
def test_a_wrong_pattern_is_refused(expression: bytes, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        LineFormat.compile(expression)
