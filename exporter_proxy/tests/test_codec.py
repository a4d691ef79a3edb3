"""Records as bytes: what went in comes out, and nothing else comes out of any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.config.values import Lifetime
from exporter_proxy.store.codec import decode, encode
from exporter_proxy.store.record import Record

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
SECONDS = st.floats(0, 1e12)

records = st.builds(
    Record,
    name=WORDS,
    channel=st.sampled_from(["json", "capnp", "http", "poll"]),
    source=WORDS,
    updated_at=SECONDS,
    text=st.binary(),
    interval=st.none() | SECONDS,
    lifetime=st.none() | st.builds(Lifetime, st.none() | SECONDS, st.none() | SECONDS),
    labels=st.dictionaries(WORDS, st.text(st.characters(exclude_categories=["Cs"]))),
    since=st.none() | SECONDS,
)

RECORD = Record(
    "shop", "http", "192.0.2.1", 1764000000.123456, b"a 1\n" * 1000, 5.1, Lifetime(60.0)
)


@given(records)
def test_what_goes_in_comes_out(record: Record):
    assert decode(encode(record)) == record


@given(st.binary())
def test_no_other_bytes_are_a_record(packed: bytes):
    with pytest.raises(ValueError, match="not a record"):
        decode(packed)


@given(st.data())
def test_a_changed_byte_is_noticed_or_harmless(data: st.DataObject):
    packed = bytearray(encode(RECORD))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        record = decode(bytes(packed))
    except ValueError:
        return
    assert isinstance(record, Record)


@pytest.mark.parametrize("packed", [encode(RECORD)[:-1], encode(RECORD) + b"x", b""])
def test_a_cut_or_longer_record_is_none(packed: bytes):
    with pytest.raises(ValueError, match="not a record"):
        decode(packed)


def test_a_head_of_deep_nesting_is_no_record():
    with pytest.raises(ValueError, match="not a record"):
        decode(b"\0\1\0\0" + b"[" * 65536)


def test_a_text_larger_than_said_is_not_unpacked():
    packed = encode(RECORD).replace(b'"bytes":4000', b'"bytes":   4')
    with pytest.raises(ValueError, match="another size"):
        decode(packed)


def test_repetitive_metrics_become_small():
    assert len(encode(RECORD)) < 400
