"""Blocks to lines, however the blocks were cut."""

from itertools import batched

from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.tail.lines import MAX_LINE_BYTES, LineSplitter

blocks = st.lists(st.binary().map(lambda block: block.replace(b"\x01", b"\n")))


@given(blocks)
def test_lines_do_not_depend_on_how_the_file_was_cut_into_blocks(parts: list[bytes]):
    splitter = LineSplitter()
    lines = [line for part in parts for line in splitter.feed(part)]
    assert lines == b"".join(parts).split(b"\n")[:-1]


def test_an_unended_line_waits_for_its_end():
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw") == [b"one"]
    assert splitter.feed(b"o") == []
    assert splitter.feed(b"\n") == [b"two"]


def test_an_endless_line_is_cut_and_the_next_one_is_whole():
    content = b"x" * (3 * MAX_LINE_BYTES) + b"\nnext\n"
    expected = [b"x" * MAX_LINE_BYTES, b"next"]
    assert LineSplitter().feed(content) == expected
    splitter = LineSplitter()
    pieces = (bytes(piece) for piece in batched(content, 1000, strict=False))
    assert [line for piece in pieces for line in splitter.feed(piece)] == expected


def test_what_was_cut_is_counted_when_the_line_ends():
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(b"x" * MAX_LINE_BYTES) == []
    assert (splitter.waiting_bytes, splitter.cut_bytes) == (100 * MAX_LINE_BYTES, 0)
    assert splitter.feed(b"\n" + b"y" * (MAX_LINE_BYTES + 5) + b"\n")
    assert (splitter.waiting_bytes, splitter.cut_bytes) == (0, 99 * MAX_LINE_BYTES + 5)
