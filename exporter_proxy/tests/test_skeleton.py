"""Bodies that differ in values only: read quickly, and never otherwise than in full."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.family import Family
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Refused

BODY = b"""# HELP jobs_total Jobs run, see RFC 2
# TYPE jobs_total counter
jobs_total{kind="b",host="x y"} 1
jobs_total{kind="a"} 2.5e3
# a comment that ends like a sample 7
temperature -3
jobs_total{kind="c"} NaN
"""


def told(families: tuple[Family, ...]) -> list[tuple[bytes, bytes, bytes, bytes]]:
    return [(each.name, each.type, each.help, each.samples) for each in families]


def reader(body: bytes, rules: Rules | None = None) -> Reader:
    """Return a reader that has read a body."""
    reader = Reader(rules or Rules())
    reader.read(body)
    return reader


def test_other_values_are_filled_in():
    reading = reader(BODY).refill(
        BODY.replace(b" 2.5e3", b" 9").replace(b"-3", b"+Inf")
    )

    assert reading
    assert [family.samples for family in reading.families] == [
        b'jobs_total{host="x y",kind="b"} 1\n'
        b'jobs_total{kind="a"} 9\n'
        b'jobs_total{kind="c"} NaN\n',
        b"temperature +Inf\n",
    ]


def test_a_family_keeps_its_shape():
    known = Reader(Rules())
    first = known.read(BODY).families

    reading = known.refill(BODY.replace(b" 2.5e3", b" 9"))

    assert reading
    assert all(
        before.shape is after.shape
        for before, after in zip(first, reading.families, strict=True)
    )


@pytest.mark.parametrize(
    "other",
    [
        BODY + b"more 1\n",
        BODY.replace(b"temperature -3\n", b""),
        BODY.replace(b'kind="a"', b'kind="d"'),
        BODY.replace(b"RFC 2", b"RFC 3"),
        BODY.replace(b"sample 7", b"sample 8"),
        BODY.replace(b"counter", b"gauge"),
        BODY.replace(b" -3", b" three"),
        BODY.replace(b" -3", b" 1e999"),
        BODY.replace(b" -3", b" 1_000"),
        BODY.replace(b" -3", b" -3 5"),
        BODY.replace(b" -3", b" -3 # 5"),
        BODY.replace(b" -3\n", b" -3\0\n"),
        BODY.replace(b"\n", b"\n\n"),
        b"",
    ],
)
def test_what_differs_in_more_is_not_filled_in(other: bytes):
    assert reader(BODY).refill(other) is None


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_line_ends_of_others_are_understood(ending: bytes):
    other = b"\xef\xbb\xbf" + BODY.rstrip().replace(b"\n", b"\r\n") + ending

    assert reader(BODY).refill(other)


@pytest.mark.parametrize(
    ("timestamps", "served"), [("strip", b"a 2\nb 3\n"), ("keep", b"a 2 99\nb 3\n")]
)
def test_timestamps_are_values_too(timestamps: str, served: bytes):
    known = reader(b"a 1 10\nb 1 10\n", Rules(timestamps=timestamps))

    reading = known.refill(b"a 2 99\nb 3\n")

    assert reading
    assert b"".join(each.samples for each in reading.families) == served


def test_a_timestamp_is_never_taken_for_the_value():
    assert reader(b"a 1\n").refill(b"a 1 2\n") is None


def test_a_bad_body_in_between_changes_nothing():
    known = reader(BODY)

    with pytest.raises(Refused):
        known.read(b"bad")

    assert known.refill(BODY.replace(b"-3", b"4"))


def test_a_larger_body_is_not_filled_in():
    assert reader(b"a 1\n", Rules(max_bytes=5)).refill(b"a 1000000\n") is None


def test_a_body_of_comments_is_not_kept():
    comments = b"# nothing but words\n" * 1000

    assert reader(comments + b"a 1\n").refill(comments + b"a 2\n") is None


def test_a_body_with_dropped_lines_is_always_read_in_full():
    rules = Rules(drop_bad_lines=True)

    assert reader(b"a 1\nb x\n", rules).refill(b"a 2\nb x\n") is None


LINES = st.lists(
    st.sampled_from(
        [
            *("a", "b", "t_bucket", "t_sum", "# TYPE t histogram", "# HELP a see"),
            *("# TYPE a", "counter", "gauge", '{le="1"}', '{x="1 2"}', '{y="1"', ",}"),
            *(" ", " ", " ", "\t", "1", "2", "-.5", "1e9", "1e99", "1e400", "NaN"),
            *("Inf", "nan", "+nan", "123456789", "\n", "\n", "\n", "\r\n", "#", "\0"),
        ]
    ),
    max_size=40,
).map("".join)
RULES = st.builds(
    Rules,
    timestamps=st.sampled_from(["strip", "keep", "reject"]),
    drop_bad_lines=st.booleans(),
    labels=st.sampled_from([{}, {b"job": b"x", b"instance": b""}]),
)


@st.composite
def two_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a body, and one that differs from it here and there."""
    body = draw(LINES)
    other = body
    for old, new in draw(
        st.lists(
            st.tuples(
                st.sampled_from(["1", "2", "NaN", "1e9", "Inf", " ", "\n", "a"]),
                st.sampled_from(["3", "1e400", "x", "+Inf", " 5", "\t", "\n", ""]),
            ),
            max_size=3,
        )
    ):
        other = other.replace(old, new, draw(st.integers(1, 3)))
    return body.encode(), other.encode()


@given(two_bodies(), RULES)
@example((b"a 1\n", b"a 1 5\n"), Rules())
@example((b"# HELP a 1\na 1\n", b"# HELP a 2\na 1\n"), Rules())
def test_filling_in_says_what_reading_says(bodies: tuple[bytes, bytes], rules: Rules):
    known = Reader(rules)
    with contextlib.suppress(Refused):
        known.read(bodies[0])

    quick = known.refill(bodies[1])

    if quick is not None:
        full = Reader(rules).read(bodies[1])
        assert told(quick.families) == told(full.families)
        assert full.dropped_lines == 0
