"""What is served of a series that several applications send, policy by policy."""

import pytest

from exporter_proxy.tests.merging import catalogue, exposition, families

HISTOGRAM = """# TYPE t histogram
t_bucket{{le="{0}"}} {1}
t_bucket{{le="+Inf"}} {2}
t_sum {2}
t_count {2}
"""


def merged(policy: str, *values: str) -> str:
    """Return what is served when each of several applications sends one value."""
    sent = {f"app{number}": f"jobs {value}" for number, value in enumerate(values)}
    filled = catalogue(policy=exposition(duplicate_series=policy), **sent)
    head, _, samples = filled.text().decode().partition("\n")
    assert head == "# TYPE jobs untyped"
    return samples


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        ("first", "3"),
        ("last", "1"),
        ("sum", "6.5"),
        ("max", "3.0"),
        ("min", "1.0"),
        ("avg", repr(6.5 / 3)),
    ],
)
def test_one_of_the_values_or_a_number_for_all(policy: str, value: str):
    assert merged(policy, "3", "2.5", "1") == f"jobs {value}\n"


@pytest.mark.parametrize(
    ("policy", "values", "value"),
    [
        ("sum", ("1", "NaN"), "NaN"),
        ("sum", ("+Inf", "1"), "+Inf"),
        ("sum", ("infinity", "-inf"), "NaN"),
        ("avg", ("-Inf", "1"), "-Inf"),
        ("max", ("NaN", "1", "nan"), "1.0"),
        ("min", ("NaN", "nan"), "NaN"),
        ("sum", ("1e308", "1e308"), "+Inf"),
        ("sum", ("1e16", "1e22"), "1.000001e+22"),
    ],
)
def test_numbers_are_read_and_written_as_prometheus_does(
    policy: str, values: tuple[str, ...], value: str
):
    assert merged(policy, *values) == f"jobs {value}\n"


def test_the_last_one_is_who_sent_last():
    both = catalogue(policy=exposition(duplicate_series="last"), shop="a 1", mail="a 2")

    both.replace("shop", both.families("shop"))

    assert both.text() == b"# TYPE a untyped\na 1\n"
    assert (both.left_out_series("shop"), both.left_out_series("mail")) == (0, 1)


def test_what_was_combined_has_no_time_and_nothing_was_left_out():
    both = catalogue(
        policy=exposition(duplicate_series="sum", timestamps="keep"),
        shop='a 1 1700000000000\na{own="1"} 5 1700000000000',
        mail="a 2 1700000000001",
    )

    assert both.text() == b'# TYPE a untyped\na 3.0\na{own="1"} 5 1700000000000\n'
    assert (both.left_out_series("shop"), both.left_out_series("mail")) == (0, 0)


def test_histograms_with_the_same_bounds_are_added():
    both = catalogue(
        policy=exposition(duplicate_series="sum"),
        one=HISTOGRAM.format("1", 2, 3),
        two=HISTOGRAM.format("1.0", 4, 5),
    )

    assert both.text().decode() == HISTOGRAM.format("1", "6.0", "8.0")


@pytest.mark.parametrize("policy", ["first", "sum", "max"])
def test_of_histograms_with_other_bounds_one_is_served_whole(policy: str):
    """Buckets of two applications make no histogram."""
    both = catalogue(
        policy=exposition(duplicate_series=policy),
        one=HISTOGRAM.format("1", 2, 3),
        two=HISTOGRAM.format("5", 4, 5),
    )

    assert both.text().decode() == HISTOGRAM.format("1", 2, 3)
    assert (both.left_out_series("one"), both.left_out_series("two")) == (0, 4)


COLLISION = exposition(app_label="collision")


def test_series_that_collide_are_told_apart_by_their_application():
    both = catalogue(
        policy=COLLISION,
        shop='# TYPE a gauge\na 1\na{b="x"} 2\na{own="1"} 3',
        mail='# TYPE a gauge\na 4\na{b="x"} 5',
    )

    assert both.text() == (
        b"# TYPE a gauge\n"
        b'a{app="shop"} 1\n'
        b'a{app="shop",b="x"} 2\n'
        b'a{own="1"} 3\n'
        b'a{app="mail"} 4\n'
        b'a{app="mail",b="x"} 5\n'
    )
    assert both.left_out_series("mail") == 0

    both.replace("mail", ())

    assert both.text() == b'# TYPE a gauge\na 1\na{b="x"} 2\na{own="1"} 3\n'


def test_an_application_s_name_is_escaped_and_a_group_s_empty_label_stays():
    both = catalogue(policy=COLLISION)
    group = families('# TYPE a gauge\na{instance="x"} 1')[0]
    sent = group._replace(samples=b'a{instance=""} 1\n')
    both.replace('the "shop\\', [sent])
    both.replace("mail", families("# TYPE a gauge\na 2"))

    assert both.text() == (
        b'# TYPE a gauge\na{app="the \\"shop\\\\",instance=""} 1\na{app="mail"} 2\n'
    )


def test_a_histogram_that_collides_is_labelled_whole():
    both = catalogue(
        policy=COLLISION,
        one=HISTOGRAM.format("1", 2, 3),
        two=HISTOGRAM.format("5", 4, 5),
    )

    assert both.text().count(b'app="one"') == both.text().count(b'app="two"') == 4
    assert both.open_metrics() is not None


def test_series_that_have_the_label_already_go_by_the_other_policy():
    both = catalogue(policy=COLLISION, shop='a{app="x"} 1', mail='a{app="x"} 2')

    assert both.text() == b'# TYPE a untyped\na{app="x"} 1\n'
    assert both.left_out_series("mail") == 1


def test_no_series_changes_for_one_that_is_labelled():
    three = catalogue(policy=COLLISION, shop="a 1", mail="a 2", bank='a{app="shop"} 3')

    assert three.text() == b'# TYPE a untyped\na{app="mail"} 2\na{app="shop"} 3\n'
    assert three.left_out_series("shop") == 1
