"""JSON and Cap'n Proto messages, well formed and not."""

import capnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ("text", "body"),
    [
        (b'{"shop": "a 1\\nb 2\\n"}', b"a 1\nb 2\n"),
        (b'{"shop": ["a 1", "b 2"]}', b"a 1\nb 2"),
        (b'\xef\xbb\xbf \r\n{"shop": ["a 1"]}\n', b"a 1"),
        (b'{"shop": []}', b""),
        ('{"shop": "a{x=\\"é\\"} 1"}'.encode(), 'a{x="é"} 1'.encode()),
    ],
)
def test_a_json_message_holds_a_body_by_application(text: bytes, body: bytes):
    messages.check_json_start(text)

    assert messages.body_of(messages.read_json(text)["shop"]) == body


def test_a_json_message_may_hold_several_applications():
    held = messages.read_json(b'{"shop": "a 1", "mailer": ["b 1"]}')

    assert list(held) == ["shop", "mailer"]


@pytest.mark.parametrize(
    "text",
    [b"{", b"{}", b"[]", b'"shop"', b'{"shop": "\xff"}', b'{"shop": "a 1"} x', b"nul"],
)
def test_other_json_is_refused(text: bytes):
    with pytest.raises(Refused) as refused:
        messages.read_json(text)

    assert refused.value.reason is Reason.JSON


@pytest.mark.parametrize("value", [1, None, True, {"a": 1}, ["a 1", 2], [["a 1"]]])
def test_other_values_than_text_and_lines_are_refused(value: object):
    with pytest.raises(Refused):
        messages.body_of(value)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1", b"[", b"a 1\n", b"\x16\x03\x01"])
def test_what_can_be_no_json_object_is_refused_at_its_start(start: bytes):
    with pytest.raises(Refused):
        messages.check_json_start(start)


@pytest.mark.parametrize("start", [b"{", b"  ", b"", b"\n{", b"\xef\xbb\xbf{"])
def test_what_may_become_a_json_object_is_read_on(start: bytes):
    messages.check_json_start(start)

    assert not messages.is_capnp(start[: messages.HEAD_BYTES])


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
