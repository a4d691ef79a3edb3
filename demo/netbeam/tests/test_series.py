"""Measurements: the same for ever, on the grid, within what the link can carry."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.interface import Interface
from demo.netbeam.series import GAUGES, STEP_MS, Point, points

SMALL = interfaces("belfry", Size.SMALL)
LINKED = [each for each in SMALL if each.link]
DAY_MS = 24 * 60 * 60 * 1000
NOON = 1_602_072_000_000

measurements = st.sampled_from(sorted(GAUGES))
linked = st.sampled_from(LINKED)
moments = st.integers(min_value=0, max_value=4_000_000_000_000)
lengths = st.integers(min_value=0, max_value=50 * STEP_MS)


@given(linked, measurements, moments, lengths, lengths)
def test_a_window_is_the_sum_of_its_halves(
    interface: Interface, measurement: str, begin: int, first: int, second: int
):
    def window(start: int, end: int) -> list[Point]:
        return list(points("belfry", interface, measurement, start, end))

    middle, end = begin + first, begin + first + second
    assert window(begin, end) == window(begin, middle) + window(middle, end)


@given(linked, measurements, moments, lengths)
def test_every_grid_point_of_the_window_is_there(
    interface: Interface, measurement: str, begin: int, length: int
):
    found = points("belfry", interface, measurement, begin, begin + length)
    first = (begin + STEP_MS - 1) // STEP_MS * STEP_MS
    assert [point.time_ms for point in found] == [
        *range(first, begin + length, STEP_MS)
    ]


def test_traffic_is_within_the_speed_and_of_whole_octets():
    for interface in LINKED:
        assert interface.link
        limit = interface.link.speed_mbits * 1e6
        for _, *rates in points("belfry", interface, "traffic", NOON, NOON + DAY_MS):
            for rate in rates:
                if rate is not None:
                    assert 0 < rate <= limit
                    assert abs(rate * 30 / 8 - round(rate * 30 / 8)) < 1e-3


def test_errors_and_discards_are_few_but_there():
    for measurement in ("errors", "discards"):
        day = list(points("belfry", LINKED[0], measurement, NOON, NOON + DAY_MS))
        rates = [point.inward for point in day if point.inward is not None]
        assert 0 < sum(rate > 0 for rate in rates) < len(rates) / 50
        assert min(rates) == 0


def test_sometimes_nobody_measured_any_of_the_three():
    outages = []
    for measurement in sorted(GAUGES):
        days = points("belfry", LINKED[0], measurement, NOON, NOON + 2 * DAY_MS)
        outages.append([p.time_ms for p in days if p.inward is None])
    assert outages[0] == outages[1] == outages[2]
    assert any(later - earlier == STEP_MS for earlier, later in pairwise(outages[0]))
    assert len(outages[0]) < 2 * DAY_MS / STEP_MS / 20


def test_sometimes_only_one_direction_was_measured():
    day = points("belfry", LINKED[0], "traffic", NOON, NOON + DAY_MS)
    assert any(p.outward is None and p.inward is not None for p in day)


def test_the_day_has_its_ups_and_downs():
    day = list(points("belfry", LINKED[0], "traffic", NOON, NOON + DAY_MS))
    hours = [day[n : n + 120] for n in range(0, len(day), 120)]
    means = [sum(p.inward or 0 for p in hour) / len(hour) for hour in hours]
    assert max(means) > 2 * min(means)


def test_series_differ_by_seed_resource_and_type():
    def window(seed: str, interface: Interface, measurement: str) -> tuple[Point, ...]:
        return tuple(points(seed, interface, measurement, NOON, NOON + DAY_MS))

    first, second = LINKED[:2]
    assert len(
        {
            window("belfry", first, "traffic"),
            window("another", first, "traffic"),
            window("belfry", second, "traffic"),
            window("belfry", first, "errors"),
            window("belfry", first, "discards"),
        }
    ) == 5  # fmt: skip


def test_values_stay_as_they_were_published():
    """Stored runs are audited against later builds: a change here breaks them."""
    interface = next(each for each in SMALL if each.name == "ge-0/0/0")
    found = points("belfry", interface, "traffic", 1_602_043_200_000, 1_602_043_260_000)
    assert list(found) == [
        (1_602_043_200_000, 14621039.733333332, 67891479.46666667),
        (1_602_043_230_000, 11642191.466666667, 134463479.73333332),
    ]


def test_an_interface_without_a_link_has_no_points():
    unlinked = next(each for each in SMALL if each.link is None)
    assert list(points("belfry", unlinked, "traffic", NOON, NOON + DAY_MS)) == []
