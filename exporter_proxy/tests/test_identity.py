"""What is one series, and what is one metric."""

import pytest

from exporter_proxy.exposition.identity import identity, metrics
from exporter_proxy.exposition.lines import Line, lines_of, series_of

# Everything that a label's value may hold, but a line feed.
ODD = rb'x{a=" } 1 {,le=\"1\",b=\"\"",c="\\",d="="}'


@pytest.mark.parametrize("series", [b"x", b'x{a="1"}', ODD])
def test_lines_are_taken_apart_at_the_end_of_their_labels(series: bytes):
    samples = series + b" 1.5\n" + series + b" NaN 1700000000123\n"

    assert series_of(samples) == [series, series]
    assert lines_of(samples) == [
        Line(series, b"1.5", b""),
        Line(series, b"NaN", b"1700000000123"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'x{instance=""}', b"x"),
        (b'x{a="",b="",c=""}', b"x"),
        (b'x{a="",b="1",c=""}', b'x{b="1"}'),
        (b'x{a="1",b="",c="2"}', b'x{a="1",c="2"}'),
        (ODD.replace(b'c="', b'bb="",c="'), ODD),
    ],
)
def test_a_label_without_a_value_does_not_count(one: bytes, other: bytes):
    assert identity(b"gauge", one) == identity(b"gauge", other) == other
    assert metrics(b"gauge", one + b" 1\n") == [other]


def test_bounds_are_compared_as_numbers():
    known = {
        identity(b"histogram", b't_bucket{a="",le="%b"}' % bound)
        for bound in (b"1", b"1.0", b"1e0", b"+1")
    }

    assert len(known) == 1


def test_the_lines_of_a_histogram_are_one_metric():
    samples = (
        b't_bucket{a="1",le="1",z="2"} 1\n'
        b't_bucket{a="1",le="+Inf",z="2"} 1\n'
        b't_sum{a="1",z="2"} 1\n'
        b't_count{a="1",instance="",z="2"} 1\n'
    )

    assert len(set(metrics(b"histogram", samples))) == 1


def test_metrics_of_other_labels_are_others():
    samples = b't{quantile="0.5"} 1\nt_sum 1\nt{a="1",quantile="1"} 1\nt_sum{a="1"} 1\n'

    one, same, other, same_as_other = metrics(b"summary", samples)

    assert one == same != other == same_as_other
