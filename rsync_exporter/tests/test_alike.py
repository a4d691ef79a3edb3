"""Lines that begin like one before are read as they would be in full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.rsyncd.alike import Alike
from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES
from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat

# Formats, and what their lines begin with before the first name.
STARTS = {
    DEFAULT: b"recv host.example [192.0.2.1] ",
    b"%o %f %l": b"send ",
    b"%o%5p %m (%u) %f %l": b"del.  700 ",
    b"%o %t %n %l": b"send 2026/11/21 20:55:45 ",
}


@pytest.mark.parametrize(("text", "start"), STARTS.items())
@given(st.binary(max_size=2100), st.integers(0, 2**70), st.booleans())
def test_what_begins_alike_is_read_alike(
    text: bytes, start: bytes, names: bytes, length: int, is_file: bool
):
    log_format = LogFormat.compile(text)
    alike = log_format.alike(start + b"name 7")
    assert alike is not None
    assert alike.start == start
    message = start + names + (b" %d" % length if is_file else b"")
    whole = log_format.read(message)
    if len(message) >= MESSAGE_BYTES or whole is None:
        assert alike.length(message) is None
    else:
        assert (alike.operation, alike.length(message), None) == whole


def test_what_begins_otherwise_is_not_alike():
    alike = Alike(b"send h [::1] ", "send")
    assert alike.length(b"recv h [::1] m () a 7") is None
    assert alike.length(b"send h [::2] m () a 7") is None


@pytest.mark.parametrize(
    "text", [b"%o %f (%l)", b"%o %f %5l", b"%o %f %'l", b"%o %f %b %l", b"%f %o %l"]
)
def test_lines_of_other_formats_are_each_read_in_full(text: bytes):
    assert LogFormat.compile(text).alike(b"send name 7") is None
