"""OpenMetrics: the same series under the same types, or nothing."""

import pytest

from exporter_proxy.tests.merging import (
    catalogue,
    exposition,
    families,
    read_strictly,
)

HISTOGRAM = """# TYPE t histogram
t_bucket{a="1",le="1"} 1
t_bucket{a="1",le="+Inf"} 2
t_sum{a="1"} 3.5
t_count{a="1"} 2
"""
SUMMARY = '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 2\n'


def test_every_type_is_said_in_its_words():
    text = (
        '# HELP jobs_total Jobs "run" \\\\ so\\n far\n# TYPE jobs_total counter\n'
        'jobs_total{a="x"} 1\n# TYPE size gauge\nsize -1\nunknown_thing NaN\n'
    )

    assert catalogue(one=text + HISTOGRAM + SUMMARY).open_metrics() == (
        b'# HELP jobs Jobs \\"run\\" \\\\ so\\n far\n# TYPE jobs counter\n'
        b'jobs_total{a="x"} 1\n'
        + SUMMARY.encode()
        + b"# TYPE size gauge\nsize -1\n"
        + HISTOGRAM.encode()
        + b"# TYPE unknown_thing unknown\nunknown_thing NaN\n"
    )


def test_a_strict_reader_takes_it():
    text = '# HELP a Say "a"\na 1\n# TYPE b_total counter\nb_total 1\n'

    read = read_strictly(
        catalogue(one=text + HISTOGRAM + SUMMARY).open_metrics() or b""
    )

    assert [(family.name, family.type) for family in read] == [
        ("a", "unknown"),
        ("b", "counter"),
        ("s", "summary"),
        ("t", "histogram"),
    ]
    assert read[0].documentation == 'Say "a"'


def test_times_are_in_seconds():
    """Also where none are kept any more, but some came from a snapshot."""
    timed = catalogue(
        one='a{b="} 5 6"} 1 1700000000123\na 2 5\na{c="1"} 3\n'
        + HISTOGRAM.replace("\nt_", " 1500\nt_")
        .removesuffix("\n")
        .replace("histogram 1500", "histogram")
        + " 1500\n",
    )

    text = timed.open_metrics() or b""

    assert text.startswith(
        b'# TYPE a unknown\na{b="} 5 6"} 1 1700000000.123\na 2 0.005\na{c="1"} 3\n'
    )
    assert text.count(b" 1.500\n") == 4
    assert len(read_strictly(text)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "# TYPE jobs counter\njobs 1",
        "# TYPE _total counter\n_total 1",
        "# TYPE push_time_seconds_total counter\npush_time_seconds_total 1",
        '# TYPE jobs_total counter\njobs_total{a="} 1"} -1',
        "# TYPE jobs_total counter\njobs_total nan",
        "# TYPE jobs_total counter\njobs_total 1\njobs 1",
        "# TYPE jobs_total counter\njobs_total 1\njobs_created 1",
        HISTOGRAM + "# TYPE t_created gauge\nt_created 1",
        HISTOGRAM.replace('"+Inf"', '"Inf"'),
        HISTOGRAM.replace('"+Inf"', '"2"'),
        HISTOGRAM.replace('"1"} 1', '"1"} 3'),
        HISTOGRAM.replace('le="1"} 1', 'le="1"} 0.5'),
        HISTOGRAM.replace('le="1"} 1', 'le="-1"} 1'),
        HISTOGRAM.replace("3.5", "-3.5"),
        HISTOGRAM.replace("3.5", "NaN"),
        HISTOGRAM.replace('t_count{a="1"} 2', 't_count{a="1"} 3'),
        HISTOGRAM.replace('t_count{a="1"} 2\n', ""),
        HISTOGRAM.replace('t_sum{a="1"} 3.5\n', ""),
        HISTOGRAM.replace('t_sum{a="1"}', 't_sum{a="1",le="3"}'),
        HISTOGRAM.replace('t_sum{a="1"}', 't_bucket{a="2",le="+Inf"}'),
        "# TYPE t histogram\nt_sum 1\nt_count 1",
        SUMMARY.replace("0.5", "1.5"),
        SUMMARY.replace('0.5"} 1', '0.5"} -1'),
        SUMMARY.replace("count 2", "count 2.5"),
        SUMMARY.replace("sum 2", "sum NaN"),
        SUMMARY.replace("s_sum 2", 's{quantile="0.5",z="1"} 1\ns_sum 2'),
    ],
)
def test_there_is_none_where_strict_readers_would_fail_or_series_change(text: str):
    one = catalogue(one=text, two="fine 1")

    assert one.open_metrics() is None

    one.replace("one", ())

    assert one.open_metrics() == b"# TYPE fine unknown\nfine 1\n"


def test_other_values_of_the_same_series_are_looked_at_again():
    one = catalogue(one=HISTOGRAM)
    sent = one.families("one")[0]
    bad = sent.samples.replace(b't_count{a="1"} 2', b't_count{a="1"} 9')

    assert one.open_metrics() is not None
    one.replace("one", [sent._replace(samples=bad)])
    assert one.open_metrics() is None
    one.replace("one", [sent])
    assert one.open_metrics() == HISTOGRAM.encode()


def test_a_counter_served_under_another_type_is_no_counter():
    """And what a gauge may say, a counter may not, once that is its type."""
    both = catalogue(
        policy=exposition(type_conflict="first"),
        one="# TYPE a_total counter\na_total 1",
        two='# TYPE a_total gauge\na_total{b="1"} -1',
    )

    assert both.open_metrics() is None

    both.replace("one", families("# TYPE a_total untyped\na_total 1"))

    assert (
        both.open_metrics() == b'# TYPE a_total unknown\na_total 1\na_total{b="1"} -1\n'
    )
