"""Slots: the same for everyone, one every period, and spread over it."""

from hypothesis import given
from hypothesis import strategies as st

from site_checker.slots import following, latest, period
from sites.config import Check

moments = st.integers(0, 2**45)
checks = st.builds(
    lambda number, check_period: Check(
        url=f"http://www.demo/{number}", check_period=check_period
    ),
    st.integers(0, 10_000),
    st.floats(1, 100_000),
)


@given(checks, moments)
def test_now_is_between_the_latest_slot_and_the_following_one(
    check: Check, now: int
) -> None:
    assert latest(check, now) <= now < following(check, now)


@given(checks, moments)
def test_slots_are_one_period_apart(check: Check, now: int) -> None:
    slot = latest(check, now)
    assert latest(check, slot) == slot
    assert following(check, slot) == slot + period(check)
    assert latest(check, slot - 1) == slot - period(check)


def test_slots_never_change_between_releases() -> None:
    check = Check(url="http://www.demo/", check_period=60)
    assert latest(check, 1_795_000_000_000) == 1_794_999_972_759


def test_checks_of_one_period_are_spread_over_it() -> None:
    pages = [Check(url=f"http://www.demo/{number}") for number in range(600)]
    each_second = [0] * 60
    for page in pages:
        each_second[latest(page, 1_795_000_000_000) // 1000 % 60] += 1
    assert max(each_second) < 30
