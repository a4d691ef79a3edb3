"""Messages out of streams that come in pieces of any size."""

import itertools
import json
import time
from collections.abc import Iterable

import capnp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter_proxy.push import messages
from exporter_proxy.push.frames import CapnpFramer, Framer, JsonFramer
from exporter_proxy.push.messages import Message
from exporter_proxy.refusals import Reason, Refused

LIMIT = 10_000


def read(framer: Framer, pieces: Iterable[bytes]) -> tuple[list[Message], str]:
    """Return a stream's messages, and why it was refused, if it was."""
    found: list[Message] = []
    try:
        for piece in pieces:
            found.extend(framer.feed(piece))
        framer.end()
    except Refused as refused:
        return found, refused.reason
    return found, ""


def read_json(*pieces: bytes, limit: int = LIMIT) -> tuple[list[Message], str]:
    return read(JsonFramer(limit), pieces)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Return the data in pieces: of these sizes, then the rest."""
    ends = [0, *itertools.accumulate(sizes), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


TEXTS = st.text(st.sampled_from('a{}[]"\\\n\r é\0') | st.characters(codec="utf-8"))
VALUES = st.recursive(
    TEXTS | st.integers(-(2**63), 2**63) | st.none() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
BETWEEN = st.text(st.sampled_from(" \t\r\n\ufeff"), max_size=4)
WRITTEN = st.builds(
    lambda held, ascii_only, indent: json.dumps(
        held, ensure_ascii=ascii_only, indent=indent
    ),
    OBJECTS,
    st.booleans(),
    st.none() | st.integers(0, 2),
)
STREAMS = st.lists(BETWEEN | WRITTEN, max_size=6).map("".join)
SIZES = st.lists(st.integers(0, 40), max_size=20)
NEARLY_JSON = st.lists(
    st.sampled_from(
        [
            *(b"{", b"}", b'"', b"\\", b"\n", b" ", b"[", b"]", b":", b",", b"1"),
            *(
                b'{"a":"x"}',
                b'\\"}',
                b'\\\\"}',
                b"\xef",
                b"\xef\xbb\xbf",
                b"}\n",
                b"\xff",
            ),
        ]
    ),
    max_size=20,
).map(b"".join)


def decoded(text: str) -> list[object]:
    """Return the values of a stream by the reader of the standard library."""
    decoder, at = json.JSONDecoder(), 0
    found: list[object] = []
    while True:
        while text[at : at + 1] in tuple(" \t\r\n\ufeff"):
            at += 1
        if at == len(text):
            return found
        value, at = decoder.raw_decode(text, at)
        found.append(value)


@given(text=STREAMS, sizes=SIZES)
def test_any_pieces_give_the_messages_that_stand_in_the_stream(
    text: str, sizes: list[int]
):
    pieces = cut(text.encode(), sizes)

    assert read_json(*pieces, limit=10**6) == (decoded(text), "")


@given(data=NEARLY_JSON | st.binary(), sizes=SIZES)
@example(data=b'{"a":"x\\\\"}', sizes=[9])
@example(data=b'{"a":"x\\\\"}', sizes=[10])
@example(data=b"\xef\xbb\xbf{", sizes=[1, 1, 1])
@settings(max_examples=500)
def test_any_pieces_give_the_same_whatever_the_stream(data: bytes, sizes: list[int]):
    assert read_json(*cut(data, sizes), limit=30) == read_json(data, limit=30)


@given(text=STREAMS)
def test_byte_by_byte_is_as_good_as_at_once(text: str):
    data = text.encode()

    assert read_json(*(bytes([byte]) for byte in data)) == read_json(data)


def test_a_message_is_complete_where_its_outermost_brace_closes():
    framer = JsonFramer(LIMIT)

    assert not list(framer.feed(b'{"shop": {"metrics": "a{x=\\"}\\"} 1", "ttl": 5}'))
    assert framer.held > 0
    assert list(framer.feed(b"}")) == [{"shop": {"metrics": 'a{x="}"} 1', "ttl": 5}}]
    assert framer.held == 0


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", b" \n\t", b"\xef\xbb\xbf"])
def test_messages_may_follow_one_another_by_lines_or_at_once(between: bytes):
    stream = between.join([b'{"a": "1"}', b'{"b": "2"}', b'{"c": "3"}', b""])

    assert read_json(stream) == ([{"a": "1"}, {"b": "2"}, {"c": "3"}], "")


@pytest.mark.parametrize(
    "start",
    [b"[", b'"a"', b"}", b"a 1\n", b"GET / HTTP/1.1", b"\x16\x03\x01", b"\xef\xbb{"],
)
def test_what_starts_with_no_brace_is_refused_at_once(start: bytes):
    good = b' {"a": "1"}\n'

    assert read_json(start) == ([], Reason.JSON)
    assert read_json(good, start) == ([{"a": "1"}], Reason.JSON)


@pytest.mark.parametrize(
    "text", [b"{}", b"{ }", b'{"a"}', b'{"a": "\xff"}', b"{'a': 1}"]
)
def test_what_closes_and_is_no_message_is_refused(text: bytes):
    assert read_json(text) == ([], Reason.JSON)


@pytest.mark.parametrize("text", [b"{", b'{"a": "1"', b'{"a": "1}', b"\xef\xbb"])
def test_a_stream_that_ends_within_a_message_is_refused(text: bytes):
    assert read_json(text) == ([], Reason.JSON)


def test_depth_is_bounded():
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000

    assert read_json(deep, limit=10**6) == ([], Reason.JSON)


@pytest.mark.parametrize(
    "stream",
    [b'{"a": "' + b"x" * LIMIT, b'{"a": "' + b"x" * LIMIT + b'"}', b"{" * LIMIT],
)
def test_a_message_is_bounded(stream: bytes):
    assert read_json(b'{"a": "1"}', stream + b" ") == ([{"a": "1"}], Reason.TOO_LARGE)
    assert read_json(b'{"a": "1"}' + stream + b" ") == (
        [{"a": "1"}],
        Reason.TOO_LARGE,
    )


def test_the_bound_is_each_message_s_and_not_the_stream_s():
    message = b'{"a": "%s"}\n' % (b"x" * (LIMIT - 10))

    assert len(read_json(message * 5)[0]) == 5


def test_blanks_between_messages_take_no_room():
    framer = JsonFramer(LIMIT)

    for _ in range(100):
        assert not list(framer.feed(b" \r\n" * 1000))

    assert framer.held == 0


HOSTILE = {
    "a long string": b'{"a": "' + b"x" * 4_000_000,
    "a long string of braces": b'{"a": "' + b"}" * 4_000_000,
    "ends that are none": b'{"a": "' + b"}\\n}" * 1_000_000,
    "lines that are none": b'{"a": "' + b"}\n" * 2_000_000,
    "escapes": b'{"a": "' + b"\\" * 4_000_000,
    "quotes": b'{"a": ' + b'"' * 4_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_stream_costs_twice_the_time_however_small_its_pieces(name: str):
    def cost(data: bytes) -> float:
        framer = JsonFramer(10**9)
        start = time.thread_time()
        for at in range(0, len(data), 1000):
            assert not list(framer.feed(data[at : at + 1000]))
        return time.thread_time() - start

    stream = HOSTILE[name]

    # Were it square, it would be sixteen times as much.
    assert cost(stream) < 8 * max(cost(stream[: len(stream) // 4]), 0.002)


def test_many_small_messages_in_one_piece_cost_little_each():
    stream = b'{"a":"1"}' * 20_000

    start = time.thread_time()
    found, _ = read_json(stream, limit=10**6)

    assert len(found) == 20_000
    assert time.thread_time() - start < 2


@pytest.fixture(scope="module")
def reader() -> messages.CapnpReader:
    return messages.CapnpReader()


def written(application: str, body: str) -> bytes:
    schema = capnp.load(str(messages.SCHEMA))
    push = schema.InboundMetrics.new_message(appName=application, data=body)
    return bytes(push.to_bytes())


@given(bodies=st.lists(TEXTS.map(lambda text: text.replace("\0", ""))), sizes=SIZES)
def test_any_pieces_give_the_same_capnp_messages(
    reader: messages.CapnpReader, bodies: list[str], sizes: list[int]
):
    stream = b"".join(written("shop", body) for body in bodies)

    found, refused = read(CapnpFramer(LIMIT, reader), cut(stream, sizes))

    assert refused == ""
    assert found == [{"shop": body.encode()} for body in bodies]


HEADERS = st.tuples(
    st.integers(0, 600), st.lists(st.integers(0, 40) | st.integers(0, 2**32 - 1))
).map(
    lambda made: (
        made[0].to_bytes(4, "little")
        + b"".join(size.to_bytes(4, "little") for size in made[1])
    )
)


@given(header=HEADERS, rest=st.binary(max_size=2000), sizes=SIZES)
def test_hostile_capnp_headers_are_refused_in_whatever_pieces(
    reader: messages.CapnpReader, header: bytes, rest: bytes, sizes: list[int]
):
    stream = header + rest
    framer = CapnpFramer(LIMIT, reader)

    found, refused = read(framer, cut(stream, sizes))

    assert (found, refused) == read(CapnpFramer(LIMIT, reader), [stream])
    assert refused in ("", Reason.CAPNP, Reason.TOO_LARGE)
    assert framer.held <= LIMIT + len(stream)


def test_a_capnp_message_that_says_it_is_too_large_is_refused_by_its_header(
    reader: messages.CapnpReader,
):
    header = bytes(4) + (LIMIT // 8 + 1).to_bytes(4, "little")

    assert read(CapnpFramer(LIMIT, reader), [header]) == ([], Reason.TOO_LARGE)


def test_a_capnp_stream_that_ends_within_a_message_is_refused(
    reader: messages.CapnpReader,
):
    stream = written("shop", "a 1")

    for end in range(1, len(stream)):
        assert read(CapnpFramer(LIMIT, reader), [stream[:end]]) == ([], Reason.CAPNP)
