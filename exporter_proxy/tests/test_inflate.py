"""Compressed answers: unpacked in bounded pieces, and only when they are whole."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.poll.inflate import PIECE_BYTES, Inflater
from exporter_proxy.refusals import Refused


def inflated(data: bytes, size: int) -> bytes:
    inflater, pieces = Inflater(), list[bytes]()
    for start in range(0, len(data), size):
        pieces.extend(inflater.feed(data[start : start + size]))
    inflater.finish()
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


@given(parts=st.lists(st.binary(), max_size=3), size=st.integers(1, 50))
def test_gzip_is_unpacked_however_it_arrives(parts: list[bytes], size: int):
    data = b"".join(map(gzip.compress, parts))

    assert inflated(data, size) == b"".join(parts)


@pytest.mark.parametrize("size", [1, 4096, 10**6])
def test_gzip_is_unpacked_in_bounded_pieces(size: int):
    body = b"a" * 5 * PIECE_BYTES

    assert inflated(gzip.compress(body), size) == body


@given(data=st.binary(), cut=st.integers(1, 30))
def test_half_a_gzip_body_is_none(data: bytes, cut: int):
    whole = gzip.compress(data)

    with pytest.raises(Refused):
        inflated(whole[: max(1, len(whole) - cut)], 10)
