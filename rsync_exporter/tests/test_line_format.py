"""Lines to records: rsyncd's own lines, cut messages, and format files."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.rsyncd.line_format import (
    MESSAGE_BYTES,
    RSYNCD,
    LineFormat,
    Record,
    read_format_file,
)

START = b"2026/11/21 20:55:45 [7417] "


def as_rsync_writes(message: bytes) -> bytes:
    """Cut and escape a message as rsync 3.5.0 does."""
    cut = re.sub(rb"\\(?=#\d{3})", rb"\\#134", message[:MESSAGE_BYTES])
    return re.sub(
        rb"[\x00-\x08\x0a-\x1f\x80-\x9f]", lambda byte: b"\\#%03o" % ord(byte[0]), cut
    )


@pytest.fixture
def format_file(tmp_path: Path) -> Callable[[bytes], str]:
    """Return a function that writes a format file and returns its path."""

    def write(content: bytes) -> str:
        path = tmp_path / "format"
        path.write_bytes(content)
        return str(path)

    return write


def test_a_record_is_its_process_and_its_message():
    assert list(RSYNCD.records(START + b"building file list")) == [
        Record(b"7417", b"building file list")
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"line.txt 1",
        b"<30>Nov 21 20:58:51 rsyncd[12691]: connect from localhost (127.0.0.1)",
        b"\x00" * 100 + START + b"connect from localhost (127.0.0.1)",
    ],
)
def test_a_line_of_another_shape_is_no_record(line: bytes):
    assert list(RSYNCD.records(line)) == [None]


@settings(deadline=None)
@given(st.binary(max_size=6000), st.binary(min_size=MESSAGE_BYTES))
def test_a_cut_message_gives_back_the_record_that_follows_on_its_line(
    head: bytes, tail: bytes
):
    message = as_rsync_writes(head + tail)
    line = START + message + START + b"building file list"
    assert list(RSYNCD.records(line)) == [
        Record(b"7417", message),
        Record(b"7417", b"building file list"),
    ]


@given(st.binary(max_size=6000))
def test_a_name_that_looks_like_a_record_begins_none(name: bytes):
    forged = START + b"sent 9 bytes  received 9 bytes  total size 9"
    message = b"unknown module '" + as_rsync_writes(name[:1900]) + forged
    assert list(RSYNCD.records(START + message)) == [Record(b"7417", message)]


def test_many_cut_messages_may_share_a_line():
    cut = START + b"m" * MESSAGE_BYTES
    records = list(RSYNCD.records(cut * 5 + START + b"end"))
    lengths = [len(record.message) for record in records if record]
    assert lengths == [MESSAGE_BYTES] * 5 + [3]


@given(st.binary())
def test_any_bytes_are_records_or_none(content: bytes):
    for prefix in (b"", START, START + b"x" * MESSAGE_BYTES):
        assert list(RSYNCD.records(prefix + content))


def test_a_format_file_names_the_message_by_its_group(
    format_file: Callable[[bytes], str],
):
    line_format = read_format_file(
        format_file(b"(?P<day>\\S+) (?P<description>.*)\r\nsecond line, never read\n")
    )
    assert list(line_format.records(b"today connect from h")) == [
        Record(None, b"connect from h")
    ]


def test_a_group_that_took_no_part_gives_no_record():
    line_format = LineFormat.compile(rb"x+(?P<description>y)?")
    assert list(line_format.records(b"xxx")) == [None]
    assert list(line_format.records(b"x" * 5000)) == [None]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"(", "a regular expression .missing"),
        (b"", "group .\\?P<description>"),
        (b"(?P<message>.*)", "group .\\?P<description>"),
        (b"%o %h [%a] %m (%u) %f %l", "leave this setting out"),
    ],
)
def test_a_wrong_format_file_is_refused(
    format_file: Callable[[bytes], str], content: bytes, complaint: str
):
    with pytest.raises(ValueError, match=complaint):
        read_format_file(format_file(content))


def test_a_missing_format_file_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"readable file .No such file"):
        read_format_file(str(tmp_path / "none"))
