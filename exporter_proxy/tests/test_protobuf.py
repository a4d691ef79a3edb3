"""Messages are written here by hand: what a client library sends is in test_clients."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.push.protobuf import to_text
from exporter_proxy.refusals import Reason, Refused

LIMIT = 2**20
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(number: int) -> bytes:
    rest, low = divmod(number, 128)
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, value: bytes | str | int | float) -> bytes:
    """Return a field, of the wire type that the value's type stands for."""
    match value:
        case int():
            return varint(number << 3) + varint(value % 2**64)
        case float():
            return varint(number << 3 | 1) + struct.pack("<d", value)
        case str():
            return field(number, value.encode())
    return varint(number << 3 | 2) + varint(len(value)) + value


def label(name: str, value: str | bytes) -> bytes:
    return field(1, field(1, name) + field(2, value))


def family(name: str, kind: int | None, *metrics: bytes, text: str = "") -> bytes:
    message = field(1, name)
    if text:
        message += field(2, text)
    if kind is not None:
        message += field(3, kind)
    return delimited(message + b"".join(field(4, metric) for metric in metrics))


def delimited(message: bytes) -> bytes:
    return varint(len(message)) + message


def gauge(value: float) -> bytes:
    return field(2, field(1, value))


def text_of(data: bytes) -> list[str]:
    return to_text(data, LIMIT).decode().splitlines()


def why(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        to_text(data, LIMIT)
    assert refused.value.reason is Reason.PROTOBUF
    return str(refused.value)


def test_nothing_is_nothing():
    assert to_text(b"", LIMIT) == b""


def test_counter_gauge_and_untyped():
    data = (
        family("orders_total", COUNTER, label("kind", "book") + field(3, field(1, 3.0)))
        + family("heat", GAUGE, gauge(-1.5), text="Of the room")
        + family("any", UNTYPED, field(5, field(1, 1e21)))
    )

    assert text_of(data) == [
        "# TYPE orders_total counter",
        'orders_total{kind="book"} 3',
        "# HELP heat Of the room",
        "# TYPE heat gauge",
        "heat -1.5",
        "# TYPE any untyped",
        "any 1e+21",
    ]


def test_a_family_without_a_type_is_a_counter_and_without_a_value_zero():
    """As proto2 has it: a field that is not there has its first or its zero value."""
    assert text_of(family("a", None, field(3, b""))) == ["# TYPE a counter", "a 0"]


def test_a_summary():
    half = field(1, 0.5) + field(2, 2.0)
    summary = field(1, 7) + field(2, 14.5) + field(3, half) + field(3, b"")
    data = family("wait", SUMMARY, label("a", "b") + field(4, summary))

    assert text_of(data) == [
        "# TYPE wait summary",
        'wait{a="b",quantile="0.5"} 2',
        'wait{a="b",quantile="0"} 0',
        'wait_sum{a="b"} 14.5',
        'wait_count{a="b"} 7',
    ]


def test_a_histogram_gets_the_bucket_of_all():
    bucket = field(1, 3) + field(2, 0.1)
    histogram = field(1, 4) + field(2, 1.25) + field(3, bucket)
    data = family("seconds", HISTOGRAM, field(7, histogram))

    assert text_of(data) == [
        "# TYPE seconds histogram",
        'seconds_bucket{le="0.1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 1.25",
        "seconds_count 4",
    ]


def test_a_histogram_that_has_the_bucket_of_all_keeps_it():
    bucket = field(1, 4) + field(2, float("inf"))
    data = family("s", HISTOGRAM, field(7, field(1, 4) + field(3, bucket)))

    assert text_of(data)[1:] == ['s_bucket{le="+Inf"} 4', "s_sum 0", "s_count 4"]


def test_a_histogram_may_count_in_fractions():
    bucket = field(1, 9) + field(4, 2.5) + field(2, 1.0)
    data = family(
        "s", HISTOGRAM, field(7, field(1, 9) + field(4, 3.5) + field(3, bucket))
    )

    assert text_of(data)[1:] == [
        's_bucket{le="1"} 2.5',
        's_bucket{le="+Inf"} 3.5',
        "s_sum 0",
        "s_count 3.5",
    ]


def test_a_native_histogram_keeps_what_text_can_say():
    native = field(1, 2) + field(2, 7.0) + field(5, 3) + field(6, 1e-128)
    native += field(12, field(1, 14) + field(2, 2)) + field(13, b"\x02\x00")
    data = family("n", HISTOGRAM, field(7, native))

    assert text_of(data)[1:] == ['n_bucket{le="+Inf"} 2', "n_sum 7", "n_count 2"]


def test_exemplars_and_unknown_fields_are_left_out():
    exemplar = field(2, label("trace", "1") + field(2, 1.0))
    more = field(99, "new") + field(98, 1) + field(97, 1.0)
    more += varint(96 << 3 | 5) + b"abcd"
    data = family("a", COUNTER, field(3, field(1, 1.0) + exemplar + more) + more)

    assert text_of(data) == ["# TYPE a counter", "a 1"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (1e14, "100000000000000"),
        (1e15, "1000000000000000.0"),
        (0.1, "0.1"),
        (5e-324, "5e-324"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
    ],
)
def test_numbers_are_written_as_prometheus_reads_them(value: float, written: str):
    assert text_of(family("a", GAUGE, gauge(value)))[1] == f"a {written}"


def test_counts_are_exact():
    count = 2**64 - 1
    data = family("a", SUMMARY, field(4, field(1, count)))

    assert text_of(data)[-1] == f"a_count {count}"


def test_timestamps_go_to_who_decides_about_them():
    data = family("a", GAUGE, gauge(1.0) + field(6, 1234), gauge(1.0) + field(6, -5))

    assert text_of(data)[1:] == ["a 1 1234", "a 1 -5"]


def test_what_would_end_a_label_or_a_line_is_escaped():
    data = family("a", GAUGE, label("x", '\\"\n') + gauge(1.0), text='\\"\nb 1')

    assert text_of(data) == [
        '# HELP a \\\\"\\nb 1',
        "# TYPE a gauge",
        'a{x="\\\\\\"\\n"} 1',
    ]


def test_a_long_label_is_as_good_as_a_short_one():
    data = family("a", GAUGE, label("x", "y" * 1000) + gauge(1.0))

    assert text_of(data)[1] == f'a{{x="{"y" * 1000}"}} 1'


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x05\x0a", "message 1: the body ends within it"),
        (b"\xff" * 20, "message 1: it ends within a number, or the number is too long"),
        (b"\xff", "message 1: it ends within a number, or the number is too long"),
        (family("a", GAUGE) + b"\x7f", "message 2: the body ends within it"),
        (delimited(b"\x0a\x05a"), "message 1: it ends within a field"),
        (
            delimited(b"\x0a"),
            "message 1: it ends within a number, or the number is too long",
        ),
        (delimited(b"\x49abc"), "message 1: it ends within a field"),
        (delimited(b"\x0b\x0c"), "message 1: there is no wire type 3"),
        (delimited(b"\x0f"), "message 1: there is no wire type 7"),
        (delimited(field(1, 5)), "message 1: field 1 is of wire type 0"),
        (
            delimited(field(1, "a") + field(4, 5)),
            "message 1: field 4 is of wire type 0",
        ),
        (delimited(b""), "message 1: not a metric's name: ''"),
        (family("a b", GAUGE), "message 1: not a metric's name: 'a b'"),
        (family("a 1\nb", GAUGE), r"message 1: not a metric's name: 'a 1\nb'"),
        (family("ä", GAUGE), r"message 1: not a metric's name: '\xc3\xa4'"),
        (
            family("a", GAUGE, label("ä", "x") + gauge(1.0)),
            r"message 1: not a label's name: '\xc3\xa4'",
        ),
        (
            family("a", GAUGE, label("x=", "x") + gauge(1.0)),
            "message 1: not a label's name: 'x='",
        ),
        (
            family("a", COUNTER, gauge(1.0)),
            "message 1: 'a': a metric that is no counter",
        ),
        (
            family("a", GAUGE_HISTOGRAM, field(7, b"")),
            "message 1: 'a': the text format knows no gauge histograms",
        ),
        (family("a", 9), "message 1: 'a': the text format knows no type 9"),
    ],
)
def test_what_is_wrong_is_told(data: bytes, what: str):
    assert why(data) == what


def test_a_small_body_cannot_become_a_huge_text():
    name = "a" * 10_000
    data = family(name, GAUGE, *[gauge(1.0)] * 10_000)

    with pytest.raises(Refused) as refused:
        to_text(data, LIMIT)

    assert refused.value.reason is Reason.TOO_LARGE


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes):
    with suppress(Refused):
        to_text(data, LIMIT)


NAMES = st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_]{0,5}\Z")
LABELS = st.dictionaries(NAMES, st.one_of(st.text(), st.binary()), max_size=3)


@given(
    NAMES, st.sampled_from([COUNTER, GAUGE, UNTYPED]), LABELS, st.floats(), st.text()
)
def test_what_is_written_is_read_as_one_series(
    name: str, kind: int, labels: dict[str, str | bytes], value: float, text: str
):
    place = {COUNTER: 3, GAUGE: 2, UNTYPED: 5}[kind]
    metric = b"".join(label(*pair) for pair in labels.items())
    metric += field(place, field(1, value))
    written = to_text(family(name, kind, metric, text=text), LIMIT)

    with suppress(Refused):  # some names are reserved, and not all bytes are UTF-8
        families = Reader(Rules()).read(written).families
        assert [each.name.decode() for each in families] == [name]
        assert families[0].shape.series_count == 1
