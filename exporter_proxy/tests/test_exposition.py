"""Whole bodies: families in, or one refusal that names its line."""

import contextlib
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter_proxy.exposition.body import Reader, Reading
from exporter_proxy.exposition.family import Family
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused


def read(body: str | bytes, rules: Rules | None = None) -> tuple[Family, ...]:
    return reading(body, rules or Rules()).families


def reading(body: str | bytes, rules: Rules) -> Reading:
    return Reader(rules).read(body if isinstance(body, bytes) else body.encode())


def told(families: tuple[Family, ...]) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Return what the families say: name, type, help and samples."""
    return [(each.name, each.type, each.help, each.samples) for each in families]


def refusal(body: str | bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read(body)
    return refused.value


def test_an_ordinary_body():
    body = """# HELP jobs_total Jobs run.
# TYPE jobs_total counter
jobs_total{kind="a"} 1 1712345678901
jobs_total{kind="b"} 2

temperature 21.5
"""
    assert told(read(body)) == [
        (
            b"jobs_total",
            b"counter",
            b"Jobs run.",
            b'jobs_total{kind="a"} 1\njobs_total{kind="b"} 2\n',
        ),
        (b"temperature", b"untyped", b"", b"temperature 21.5\n"),
    ]


@pytest.mark.parametrize("body", ["", "\n\n", "# just a comment", "# TYPE a counter"])
def test_a_body_without_samples_has_no_families(body: str):
    assert read(body) == ()


@pytest.mark.parametrize(
    "body", [b"\xef\xbb\xbfa 1", b"a 1\r\n", b"a 1\r\n\r\n", b"a 1\r", b"a 1"]
)
def test_byte_order_mark_and_line_ends_of_others_are_understood(body: bytes):
    assert told(read(body)) == [(b"a", b"untyped", b"", b"a 1\n")]


def test_the_pieces_of_a_family_are_put_together():
    assert told(read('a{x="1"} 1\nb 1\n# TYPE a gauge\na{x="2"} 2')) == [
        (b"a", b"gauge", b"", b'a{x="1"} 1\na{x="2"} 2\n'),
        (b"b", b"untyped", b"", b"b 1\n"),
    ]


def test_a_repeated_help_replaces_the_first():
    assert read("# HELP a one\n# HELP a two\na 1")[0].help == b"two"


def test_samples_of_histograms_and_summaries_belong_to_them():
    body = """# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 3
h_count 2
h_created 1
# TYPE s summary
s{quantile="0.5"} 1
s_sum 1
s_count 1
s_bucket 1
"""
    assert [(family.name, family.shape.series_count) for family in read(body)] == [
        (b"h", 4),
        (b"h_created", 1),
        (b"s", 3),
        (b"s_bucket", 1),
    ]


@pytest.mark.parametrize(
    ("body", "reason", "line"),
    [
        ("a 1\nb x", Reason.VALUE, 2),
        ("a 1\r\n\r\nb x\r\n", Reason.VALUE, 3),
        ("a 1\nb 1\na 2", Reason.DUPLICATE_SERIES, 3),
        ('a{x="1",y="2"} 1\na{y="2", x="1"} 1', Reason.DUPLICATE_SERIES, 2),
        ('a 1\na{x=""} 1', Reason.DUPLICATE_SERIES, 2),
        ("# TYPE a counter\n# TYPE a gauge\na 1", Reason.TYPE_CONFLICT, 2),
        (
            '# TYPE t histogram\nt_bucket{le="1"} 1\n# TYPE t_sum gauge\nt_sum 1',
            Reason.TYPE_CONFLICT,
            4,
        ),
        ("t_bucket 1\n# TYPE t histogram\nt 1", Reason.TYPE_MISMATCH, 1),
        ("# TYPE t histogram\nt 1", Reason.TYPE_MISMATCH, 2),
        ("# TYPE t histogram\nt_bucket 1", Reason.TYPE_MISMATCH, 2),
        ('# TYPE t histogram\nt_bucket{le="x"} 1', Reason.TYPE_MISMATCH, 2),
        ("# TYPE t summary\nt 1", Reason.TYPE_MISMATCH, 2),
        (
            '# TYPE t histogram\nt_bucket{le="1"} 1\nt_bucket{le="1.0"} 1',
            Reason.DUPLICATE_SERIES,
            3,
        ),
        ("exporter_proxy_x 1", Reason.RESERVED_NAME, 1),
        ("a 1\n# TYPE exporter_proxy_x counter", Reason.RESERVED_NAME, 2),
        ("push_time_seconds 1", Reason.RESERVED_NAME, 1),
    ],
)
def test_one_bad_line_refuses_the_body_and_is_named(
    body: str, reason: Reason, line: int
):
    refused = refusal(body)

    assert (refused.reason, refused.line) == (reason, line)


def test_a_refusal_tells_line_and_excerpt():
    assert str(refusal("a 1\nb " + "x" * 100)) == (
        "line 2: not a number that Prometheus reads: b " + "x" * 78
    )


@pytest.mark.parametrize(
    ("timestamps", "served"),
    [("strip", b"a 1\nb 2\n"), ("keep", b"a 1 1712345678901\nb 2\n")],
)
def test_timestamps_are_stripped_or_kept(timestamps: str, served: bytes):
    families = read("a 1 1712345678901\nb 2", Rules(timestamps=timestamps))

    assert b"".join(family.samples for family in families) == served


@pytest.mark.parametrize(
    ("rules", "body", "reason", "line"),
    [
        (Rules(max_series=2), "a 1\nb 2\nc 3", Reason.TOO_MANY_SERIES, 3),
        (Rules(max_bytes=5), "a 1\nb 2", Reason.TOO_LARGE, None),
        (Rules(timestamps="reject"), "a 1\nb 2 3", Reason.TIMESTAMP, 2),
    ],
)
def test_the_limits_of_an_application(
    rules: Rules, body: str, reason: Reason, line: int | None
):
    with pytest.raises(Refused) as refused:
        read(body, rules)

    assert (refused.value.reason, refused.value.line) == (reason, line)


@pytest.mark.parametrize(
    ("body", "kept", "dropped", "line"),
    [
        ("a 1\nb x\nc 3\nd", "a 1\nc 3\n", 2, 2),
        ("a 1\na 2", "a 1\n", 1, 2),
        ('# TYPE t histogram\nt 1\nt_sum 2\nt_bucket{le="x"} 1', "t_sum 2\n", 2, 2),
        ("# TYPE a gauge\n# TYPE a counter\na 1", "a 1\n", 1, 2),
        (
            "# TYPE t histogram\nt_sum 1\n# TYPE t_count gauge\n"
            't_count 1\nt_count{x="1"} 1',
            "t_sum 1\n",
            2,
            4,
        ),
        ("exporter_proxy_x 1\na 1", "a 1\n", 1, 1),
        ("a 1\nb 1\nc 1\nd 1", "a 1\nb 1\nc 1\n", 1, 4),
    ],
)
def test_bad_lines_may_be_dropped(body: str, kept: str, dropped: int, line: int):
    found = reading(body, Rules(drop_bad_lines=True, max_series=3))

    assert b"".join(family.samples for family in found.families) == kept.encode()
    assert found.dropped_lines == dropped
    assert found.first_refusal
    assert found.first_refusal.line == line


@pytest.mark.parametrize(
    "body",
    [
        b"a x\n",
        b"a 1\na 2\n",
        b"# TYPE t histogram\nt 1\n",
        b"# TYPE t histogram\nt_sum 1\n# TYPE t_count gauge\nt_count 1\n",
    ],
)
def test_a_refused_body_is_let_go_of_at_once(body: bytes):
    held = sys.getrefcount(body)
    for _ in range(10):
        with contextlib.suppress(Refused):
            Reader(Rules()).read(body)

    assert sys.getrefcount(body) == held


def test_nothing_but_bad_lines_is_refused_all_the_same():
    with pytest.raises(Refused) as refused:
        reading("# TYPE a gauge\n<html>\na x", Rules(drop_bad_lines=True))

    assert refused.value.line == 2


def test_the_proxy_s_own_names_may_be_left_out():
    found = reading(
        "exporter_proxy_x 1\npush_time_seconds 5\na 1", Rules(drop_reserved=True)
    )

    assert [family.name for family in found.families] == [b"a"]
    assert found.dropped_lines == 0


def test_text_like_a_bound_within_another_label_is_none():
    body = (
        '# TYPE t histogram\nt_bucket{a="{le=",le="1"} 1\nt_bucket{a=",le=",le="2"} 1'
    )

    assert read(body)[0].shape.series_count == 2
    assert (
        refusal('# TYPE t histogram\nt_bucket{a=",le=\\"1\\""} 1').reason
        is Reason.TYPE_MISMATCH
    )


NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True)
LABEL_NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.floats().map(repr)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@st.composite
def samples(draw: st.DrawFn) -> str:
    labels = draw(st.dictionaries(LABEL_NAMES, st.text(), max_size=4))
    pairs = ",".join(f"{name}={quoted(value)}" for name, value in labels.items())
    return f"{draw(NAMES)}{{{pairs}}} {draw(VALUES)}"


@given(samples())
def test_every_sample_means_the_same_after_reading(line: str):
    [family] = read(line)

    [ours] = text_string_to_metric_families(family.samples.decode())
    [theirs] = text_string_to_metric_families(line + "\n")

    [our], [their] = ours.samples, theirs.samples
    present = {name: value for name, value in their.labels.items() if value}
    assert (our.name, our.labels) == (their.name, present)
    assert our.value == their.value or math.isnan(our.value + their.value)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes):
    with contextlib.suppress(Refused):
        assert all(family.samples.endswith(b"\n") for family in read(body))


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("a", "t_bucket", "t", "# TYPE t ", "# HELP a ", "histogram", "gauge"),
            *('{le="1"}', '{x="', '"', "{", "}", "\\", ",", "=", " ", "\n", "\r", "\0"),
            *("1", "-1", "e5", "Inf", "NaN", "\t", "#", "é", ".", "_"),
        ]
    ),
    max_size=30,
).map("".join)


@given(FRAGMENTS)
def test_what_is_kept_of_a_body_reads_as_the_same_again(body: str):
    try:
        families = read(body)
    except Refused:
        return

    again = b"".join(
        b"# TYPE %b %b\n%b" % (family.name, family.type, family.samples)
        for family in families
    )
    assert [family.samples for family in read(again)] == [
        family.samples for family in families
    ]
