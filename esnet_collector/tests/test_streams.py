from hypothesis import given
from hypothesis import strategies as st

from esnet_collector.replies import Point
from esnet_collector.streams import (
    GRID_MS,
    MAX_WINDOW_MS,
    Kind,
    Stream,
    Window,
    clip,
    next_window,
)

NOW = 1_602_043_215_000
ON_GRID = 1_602_043_200_000


def stream(since_ms: int, until_ms: int | None = None) -> Stream:
    return Stream(1, "devices/a/interfaces/b", Kind.TRAFFIC, since_ms, until_ms)


def test_a_window_ends_on_the_grid_before_what_has_settled() -> None:
    found = next_window(stream(ON_GRID - 60_000), NOW)
    assert found == Window(stream(ON_GRID - 60_000), ON_GRID - 60_000, ON_GRID)


def test_nothing_new_is_no_window() -> None:
    assert next_window(stream(ON_GRID), NOW) is None
    assert next_window(stream(ON_GRID + 1), NOW) is None


def test_a_window_is_48_hours_at_most() -> None:
    found = next_window(stream(0), NOW)
    assert found == Window(stream(0), 0, 48 * 3600 * 1000)


def test_a_closed_interface_is_read_to_its_end_and_no_further() -> None:
    begin, end = ON_GRID - 60_000, ON_GRID - 59_999
    closed = stream(begin, end)
    assert next_window(closed, NOW) == Window(closed, begin, end)
    assert next_window(stream(begin, begin), NOW) is None
    assert next_window(stream(begin, begin - 10_000), NOW) is None


times = st.integers(min_value=0, max_value=2 * 10**12)


@given(
    start=times,
    passes=st.lists(times, max_size=20).map(sorted),
    until=st.none() | times,
)
def test_windows_follow_one_another_without_gap_or_overlap(
    start: int, passes: list[int], until: int | None
) -> None:
    """Whatever the times of the passes, each window begins where the last one ended."""
    cursor, settled = start, 0
    for settled in passes:
        if window := next_window(stream(cursor, until), settled):
            assert window.begin_ms == cursor < window.end_ms <= settled
            assert window.end_ms - window.begin_ms <= MAX_WINDOW_MS
            assert until is None or window.end_ms <= until
            cursor = window.end_ms
    if passes and cursor + MAX_WINDOW_MS > settled and until is None:
        assert settled - cursor < GRID_MS + MAX_WINDOW_MS


@given(
    st.lists(st.builds(Point, st.integers(0, 20), st.integers(), st.none())),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_clipped_points_are_those_inside_once_each_in_order(
    points: list[Point], begin: int, end: int
) -> None:
    kept = clip(points, Window(stream(begin), begin, end))
    times_kept = [point.time_ms for point in kept]
    assert times_kept == sorted({p.time_ms for p in points if begin <= p.time_ms < end})
    last = {point.time_ms: point for point in points}
    assert all(point == last[point.time_ms] for point in kept)
