"""One valid exposition out of many applications' families, and who keeps what."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.exposition.family import Family
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.tests.merging import catalogue, exposition, families


def test_a_family_that_two_applications_send_is_served_once():
    merged = catalogue(
        shop='# HELP jobs Jobs run\n# TYPE jobs counter\njobs{app="shop"} 1',
        mail='# HELP jobs Something else\n# TYPE jobs counter\njobs{app="mail"} 2',
    )

    assert merged.text() == (
        b"# HELP jobs Jobs run\n"
        b"# TYPE jobs counter\n"
        b'jobs{app="shop"} 1\n'
        b'jobs{app="mail"} 2\n'
    )


def test_families_are_sorted_by_name_and_untyped_ones_say_so():
    assert catalogue(one="b 1", two="a 2").text() == (
        b"# TYPE a untyped\na 2\n# TYPE b untyped\nb 1\n"
    )


def test_new_families_replace_the_old_ones():
    merged = catalogue(shop="a 1\nb 1")

    merged.replace("shop", families("b 2\nc 2"))

    assert merged.text() == b"# TYPE b untyped\nb 2\n# TYPE c untyped\nc 2\n"


def test_the_later_application_with_another_type_is_left_out():
    merged = catalogue(
        shop="# TYPE jobs counter\njobs 1", mail="# TYPE jobs gauge\njobs 2"
    )

    assert merged.text() == b"# TYPE jobs counter\njobs 1\n"
    assert merged.left_out_families("mail") == ("jobs",)
    assert merged.left_out_families("shop") == ()


def test_a_left_out_family_gets_its_turn_when_the_first_one_goes():
    merged = catalogue(
        shop="# TYPE jobs counter\njobs 1", mail="# TYPE jobs gauge\njobs 2"
    )

    merged.replace("shop", ())

    assert merged.text() == b"# TYPE jobs gauge\njobs 2\n"
    assert merged.left_out_families("mail") == ()


def test_an_application_that_changes_a_shared_family_s_type_loses_its_place():
    merged = catalogue(
        shop='# TYPE jobs counter\njobs{app="shop"} 1',
        mail='# TYPE jobs counter\njobs{app="mail"} 2',
    )

    merged.replace("shop", families('# TYPE jobs gauge\njobs{app="shop"} 1'))

    assert merged.text() == b'# TYPE jobs counter\njobs{app="mail"} 2\n'
    assert merged.left_out_families("shop") == ("jobs",)


def test_a_histogram_owns_the_names_of_its_samples():
    histogram = '# TYPE t histogram\nt_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1'
    gauge = "# TYPE t_count gauge\nt_count 7"

    assert catalogue(one=histogram, two=gauge).left_out_families("two") == ("t_count",)
    assert catalogue(one=gauge, two=histogram).left_out_families("two") == ("t",)


def test_the_first_of_two_equal_series_is_served():
    merged = catalogue(shop="jobs 1", mail='jobs 2\njobs{app="mail"} 3')

    assert merged.text() == b'# TYPE jobs untyped\njobs 1\njobs{app="mail"} 3\n'
    assert merged.left_out_series("mail") == 1
    assert merged.left_out_series("shop") == 0


def test_equal_bounds_spelled_differently_are_equal_series():
    body = '# TYPE t histogram\nt_bucket{le="%s"} 1'

    merged = catalogue(one=body % "1", two=body % "1.0")

    assert merged.text() == b'# TYPE t histogram\nt_bucket{le="1"} 1\n'


def test_a_series_stays_with_who_had_it_first():
    merged = catalogue(shop='jobs{app="shop"} 1', mail='jobs{app="mail"} 2')

    merged.replace("shop", families('jobs{app="mail"} 9\njobs{app="shop"} 1'))

    assert merged.text() == (
        b'# TYPE jobs untyped\njobs{app="shop"} 1\njobs{app="mail"} 2\n'
    )


def test_a_series_passes_to_the_next_when_its_holder_stops_sending_it():
    merged = catalogue(shop="jobs 1", mail="jobs 2", bank="jobs 3")

    merged.replace("shop", ())

    assert merged.text() == b"# TYPE jobs untyped\njobs 2\n"
    assert merged.left_out_series("bank") == 1


def test_those_that_wait_get_their_turn_in_their_order_however_often_they_send():
    merged = catalogue(
        shop="# TYPE t counter\nt 1",
        mail="# TYPE t gauge\nt 2",
        bank='# TYPE t histogram\nt_bucket{le="1"} 3',
        club='# TYPE t gauge\nt{a="4"} 4',
    )
    merged.replace("mail", families("# TYPE t gauge\nt 5"))

    merged.replace("shop", ())

    assert merged.text() == b'# TYPE t gauge\nt 5\nt{a="4"} 4\n'
    assert merged.left_out_families("bank") == ("t",)


def test_an_alike_type_can_be_served_under_the_first_one_s():
    merged = catalogue(
        policy=exposition(type_conflict="first"),
        shop="# TYPE t counter\nt 1",
        mail='# TYPE t gauge\nt{a="2"} 2',
        bank='# TYPE t summary\nt{quantile="0.5"} 3',
    )

    assert merged.text() == b'# TYPE t counter\nt 1\nt{a="2"} 2\n'
    assert merged.left_out_families("mail") == ()
    assert merged.left_out_families("bank") == ("t",)

    merged.replace("shop", ())

    assert merged.text() == b'# TYPE t gauge\nt{a="2"} 2\n'


def test_a_family_of_several_types_can_be_served_as_untyped():
    merged = catalogue(
        policy=exposition(type_conflict="untyped"),
        shop="# TYPE t counter\nt 1",
        mail='# TYPE t gauge\nt{a="2"} 2',
    )

    assert merged.text() == b'# TYPE t untyped\nt 1\nt{a="2"} 2\n'

    merged.replace("mail", families('# TYPE t counter\nt{a="2"} 2'))

    assert merged.text() == b'# TYPE t counter\nt 1\nt{a="2"} 2\n'


def test_the_first_description_that_is_one_is_served():
    merged = catalogue(shop="t 1", mail='# HELP t Jobs\nt{a="2"} 2')

    assert merged.text().startswith(b"# HELP t Jobs\n# TYPE t untyped\n")

    merged.replace("mail", families('# HELP t Runs\nt{a="2"} 2'))

    assert merged.text().startswith(b"# HELP t Runs\n")


def test_the_version_stays_while_nothing_changes():
    merged = catalogue(shop="# TYPE t counter\nt 1", mail="# TYPE t gauge\nt 2")
    version = merged.version

    merged.replace("shop", merged.families("shop"))
    merged.replace("mail", families("# TYPE t gauge\nt 3"))
    merged.replace("bank", ())

    assert merged.version == version
    assert merged.families("mail")[0].samples == b"t 3\n"


@pytest.mark.parametrize("shared", [True, False])
def test_replacing_takes_as_much_work_however_much_else_is_held(shared: bool):
    assert work(1, shared) == work(50, shared)


def work(others: int, shared: bool) -> list[int]:
    """Return how many calls it takes to send again, something else, and nothing."""
    merged = Catalogue(exposition())
    for other in range(others):
        merged.replace(f"other{other}", sent(f"other{other}", shared))
    merged.replace("own", sent("own", shared))
    fewer = sent("own", shared)[1:]
    return [
        calls(lambda: merged.replace("own", merged.families("own"))),
        calls(lambda: merged.replace("own", fewer)),
        calls(lambda: merged.replace("own", ())),
    ]


def sent(application: str, shared: bool) -> tuple[Family, ...]:
    owner = "" if shared else f"_{application}"
    return families(
        "".join(
            f'name{number}{owner}{{application="{application}",a="{value}"}} 1\n'
            for number in range(5)
            for value in range(5)
        )
    )


def calls(work: Callable[[], None]) -> int:
    """Return how many functions are called meanwhile, those in C included."""
    counted = 0

    def count(_frame: object, event: str, _about: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


# Few names, so that clashes are frequent: t also owns t_count when it is a histogram.
BODIES = st.lists(
    st.sampled_from(
        [
            "# TYPE t gauge\nt 1",
            "# TYPE t counter\nt 2",
            '# TYPE t histogram\nt_bucket{le="1"} 1\nt_count 1',
            '# TYPE t histogram\nt_bucket{le="1.0",app="x"} 1\nt_count{app="x"} 1',
            '# TYPE t summary\nt{quantile="0.5"} 1\nt_count 1',
            "# TYPE t_count gauge\nt_count 1",
            "t_sum 1",
            't_sum{app="x"} 1\nt_sum 2',
            "u 1",
            "",
        ]
    ),
    max_size=12,
)


@given(BODIES)
def test_whatever_is_sent_the_result_is_one_valid_exposition(bodies: list[str]):
    merged = Catalogue(exposition())
    for turn, body in enumerate(bodies):
        merged.replace(f"app{turn % 3}", families(body))

    text = merged.text()

    assert b"".join(family.samples for family in families(text.decode())) == b"".join(
        line + b"\n" for line in text.splitlines() if not line.startswith(b"#")
    )
    headers = [line for line in text.splitlines() if line.startswith(b"# TYPE")]
    assert len({line.split()[2] for line in headers}) == len(headers)


@given(BODIES)
def test_nobody_changes_what_another_application_has(bodies: list[str]):
    merged = Catalogue(exposition())
    own = 't{app="own"} 1\nt_sum{app="own"} 2\n'
    merged.replace("own", families(own))

    for body in bodies:
        merged.replace("other", families(body))

        assert set(own.encode().splitlines()) <= set(merged.text().splitlines())
        assert merged.left_out_families("own") == ()


@given(BODIES)
def test_all_is_served_again_once_the_others_are_gone(bodies: list[str]):
    merged = Catalogue(exposition())
    for turn, body in enumerate(bodies):
        merged.replace(f"app{turn % 3}", families(body))
    merged.replace("last", families("t 1"))

    for turn in range(3):
        merged.replace(f"app{turn}", ())

    assert merged.text() == b"# TYPE t untyped\nt 1\n"
