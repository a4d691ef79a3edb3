import gzip
from contextlib import suppress
from functools import partial

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.push.content import decoded, is_protobuf
from exporter_proxy.refusals import Reason, Refused

LIMIT = 2**20
BODY = b'shop_orders_total{kind="book"} 3\n' * 100
HUGE = bytes(200 * LIMIT)

# The time would make every run's tests others.
zipped = partial(gzip.compress, mtime=0)

ENCODED = [
    ("", BODY),
    ("identity", BODY),
    ("gzip", zipped(BODY)),
    ("GZip", zipped(BODY)),
    ("x-gzip", zipped(BODY)),
    ("gzip", zipped(BODY[:999]) + zipped(BODY[999:])),
    ("snappy", bytes(cramjam.snappy.compress(BODY))),
    ("snappy", bytes(cramjam.snappy.compress_raw(BODY))),
]

BROKEN = [
    ("gzip", BODY),
    ("gzip", zipped(BODY)[:-1]),
    ("gzip", zipped(BODY)[:-8] + bytes(8)),
    ("gzip", zipped(BODY) + b"more"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff\xff"),
    ("snappy", BODY),
    ("snappy", bytes(cramjam.snappy.compress(BODY))[:-1]),
    ("snappy", bytes(cramjam.snappy.compress_raw(BODY))[:-1]),
    ("snappy", b"\xff\xff\xff\xff\xff\x7f"),
]

PROTOBUF = (
    "application/vnd.google.protobuf; "
    "proto=io.prometheus.client.MetricFamily; encoding=delimited"
)


@pytest.mark.parametrize(("encoding", "body"), ENCODED)
def test_a_body_comes_out_of_its_encoding(encoding: str, body: bytes):
    assert decoded(body, encoding, len(BODY)) == BODY


@pytest.mark.parametrize(("encoding", "body"), ENCODED)
def test_a_body_beyond_the_limit_is_too_large(encoding: str, body: bytes):
    with pytest.raises(Refused) as refused:
        decoded(body, encoding, len(BODY) - 1)

    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", zipped(HUGE)),
        ("gzip", zipped(zipped(b"") * 100 + HUGE)),
        ("snappy", bytes(cramjam.snappy.compress(HUGE))),
        ("snappy", bytes(cramjam.snappy.compress_raw(HUGE))),
        ("snappy", b"\xff\xff\xff\xff\x0f"),
    ],
)
def test_nothing_is_inflated_far_beyond_the_limit(encoding: str, bomb: bytes):
    with pytest.raises(Refused) as refused:
        decoded(bomb, encoding, LIMIT)

    assert str(refused.value) == "a body of more than 1048576 bytes uncompressed"


@pytest.mark.parametrize(("encoding", "body"), BROKEN)
def test_a_broken_body_is_told(encoding: str, body: bytes):
    with pytest.raises(Refused) as refused:
        decoded(body, encoding, LIMIT)

    assert refused.value.reason is Reason.COMPRESSION
    assert str(refused.value).startswith(f"not {encoding}: ")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_other_encodings_are_not_taken(encoding: str):
    with pytest.raises(Refused) as refused:
        decoded(BODY, encoding, LIMIT)

    assert refused.value.reason is Reason.CONTENT_TYPE
    assert str(refused.value) == (
        f"the content encoding {encoding} is not taken: gzip and snappy are"
    )


@pytest.mark.parametrize("encoding", ["gzip", "snappy"])
def test_an_empty_body_stays_empty(encoding: str):
    assert decoded(b"", encoding, LIMIT) == b""


@given(st.sampled_from(["gzip", "snappy"]), st.binary())
def test_any_bytes_are_a_body_or_refused(encoding: str, body: bytes):
    with suppress(Refused):
        assert len(decoded(body, encoding, 100)) <= 100


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_what_was_packed_comes_out_or_is_too_large(body: bytes, limit: int):
    packed = [gzip.compress(body), bytes(cramjam.snappy.compress(body))]
    for encoding, each in zip(["gzip", "snappy"], packed, strict=True):
        if len(body) <= limit:
            assert decoded(each, encoding, limit) == body
        else:
            with pytest.raises(Refused, match="more than"):
                decoded(each, encoding, limit)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/plain; version=0.0.4; charset=utf-8",
        "Text/Plain;version=1.0.0",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ],
)
def test_types_that_are_text(content_type: str):
    assert not is_protobuf(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        PROTOBUF,
        f"{PROTOBUF}; escaping=values",
        "application/vnd.google.protobuf;encoding=delimited;"
        'Proto="io.prometheus.client.MetricFamily"',
    ],
)
def test_types_that_are_protobuf(content_type: str):
    assert is_protobuf(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/openmetrics-text; version=1.0.0",
        "application/json",
        "application/x-protobuf",
        "application/vnd.google.protobuf",
        "application/vnd.google.protobuf; encoding=text; "
        "proto=io.prometheus.client.MetricFamily",
        "multipart/form-data; boundary=x",
        "nonsense",
    ],
)
def test_types_that_are_not_taken(content_type: str):
    with pytest.raises(Refused) as refused:
        is_protobuf(content_type)

    assert refused.value.reason is Reason.CONTENT_TYPE
    assert content_type in str(refused.value)
