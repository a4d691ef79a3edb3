"""JSON and Cap'n Proto messages, well formed and not."""

import re

import capnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.config.values import Lifetime
from exporter_proxy.push import messages
from exporter_proxy.refusals import Reason, Refused


@pytest.fixture(scope="module")
def reader() -> messages.CapnpReader:
    return messages.CapnpReader()


def message(application: str, body: str) -> bytes:
    """Return a push as any Cap'n Proto client would send it."""
    schema = capnp.load(str(messages.SCHEMA))
    push = schema.InboundMetrics.new_message(appName=application, data=body)
    return bytes(push.to_bytes())


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a 1\nb 2\n", (b"a 1\nb 2\n", None)),
        (["a 1", "b 2"], (b"a 1\nb 2", None)),
        ([], (b"", None)),
        ('a{x="é"} 1', ('a{x="é"} 1'.encode(), None)),
        (b"a 1", (b"a 1", None)),
        ({"metrics": "a 1"}, (b"a 1", None)),
        ({"metrics": ["a 1", "b 2"], "ttl": 60}, (b"a 1\nb 2", Lifetime(60))),
        ({"ttl": "60", "metrics": "a 1"}, (b"a 1", Lifetime(60))),
        ({"metrics": "a 1", "ttl": 0.5}, (b"a 1", Lifetime(0.5))),
        ({"metrics": "a 1", "ttl": "5x"}, (b"a 1", Lifetime(intervals=5))),
        ({"metrics": "a 1", "ttl": "never"}, (b"a 1", Lifetime())),
    ],
)
def test_a_value_is_a_body_and_maybe_its_lifetime(value: object, sent: object):
    assert messages.read_value(value) == sent


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((value, "a string or an array") for value in (1, None, True, 0.5, [["a 1"]])),
        (["a 1", 2], "a string or an array"),
        ({"metrics": 1}, "a string or an array"),
        ({"metrics": {"metrics": "a 1"}}, "a string or an array"),
        ({"metrics": None, "ttl": 60}, "a string or an array"),
        ({}, "an object of metrics and maybe ttl"),
        ({"ttl": 60}, "an object of metrics and maybe ttl"),
        ({"metrics": "a 1", "tll": 60}, "an object of metrics and maybe ttl"),
        *(
            ({"metrics": "a 1", "ttl": ttl}, "ttl: expected never, seconds, or")
            for ttl in (0, -1, True, None, [60], "", "1h", "x", "1x", "nan", 10**30)
        ),
    ],
)
def test_other_values_are_refused(value: object, words: str):
    with pytest.raises(Refused, match=words):
        messages.read_value(value)


def test_a_json_message_may_hold_several_applications():
    held = messages.read_json(b'{"shop": "a 1", "mailer": ["b 1"]}')

    assert list(held) == ["shop", "mailer"]


def test_of_an_application_that_stands_twice_in_a_message_the_later_one_counts():
    assert messages.read_json(b'{"shop": "a 1", "shop": "a 2"}') == {"shop": "a 2"}


@pytest.mark.parametrize("text", [b"{", b"{}", b'{"shop": "\xff"}', b'{"shop": "a" x}'])
def test_other_json_is_refused(text: bytes):
    with pytest.raises(Refused) as refused:
        messages.read_json(text)

    assert refused.value.reason is Reason.JSON


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n", "an HTTP request, which belongs to"),
        (b"POST /x ", "an HTTP request"),
        (b"\x16\x03\x01\x02", "TLS, but receiver.tls is off"),
        (b"shop_a 1\nshop_b 2", "got shop_a 1$"),
        (b"\xff\n", r"got \\xff$"),
    ],
)
def test_what_starts_like_no_message_is_called_by_its_name(start: bytes, found: str):
    assert re.search(found, messages.no_message(start).detail)


@pytest.mark.parametrize("size", [0, 1, 100, 5_000, 100_000, 3_000_000])
def test_a_capnp_message_is_told_apart_measured_and_read(
    reader: messages.CapnpReader, size: int
):
    sent = message("shop", "x" * size)
    head = sent[: messages.HEAD_BYTES]

    assert messages.is_capnp(head)
    header = sent[: messages.capnp_header_bytes(head)]
    assert messages.capnp_message_bytes(header) == len(sent)
    assert reader.read(sent) == ("shop", b"x" * size)


def test_no_number_of_segments_is_mistaken_for_json():
    for segments in range(512):
        assert messages.is_capnp(segments.to_bytes(4, "little"))


def test_too_many_segments_are_refused_by_the_header():
    with pytest.raises(Refused):
        messages.capnp_header_bytes((512).to_bytes(4, "little"))


@given(data=st.binary(max_size=200), at=st.integers(0, 200))
def test_a_damaged_capnp_message_is_read_or_refused(
    reader: messages.CapnpReader, data: bytes, at: int
):
    sent = bytearray(message("shop", "a 1\n" * 20))
    sent[at : at + len(data)] = data
    del sent[len(sent) // 8 * 8 :]

    try:
        application, body = reader.read(bytes(sent))
    except Refused as refused:
        refusal: Refused | None = refused
    else:
        refusal = None
        assert isinstance(application, str)
        assert isinstance(body, bytes)

    assert refusal is None or refusal.reason is Reason.CAPNP
