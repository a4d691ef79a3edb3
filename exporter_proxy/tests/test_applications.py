"""What is known of applications: how many at most, and how often they come."""

import pytest

from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import Application, Applications, State


class World:
    """Applications, and a clock that a test moves."""

    def __init__(self, maximum: int) -> None:
        self.now = 1000.0
        self.applications = Applications(maximum, lambda: self.now)

    def accepted(self, name: str) -> None:
        self.applications.check_room(name)
        self.applications.accepted(
            Application(name, "json", "here", State.OK, updated_at=self.now)
        )

    def refused(self, name: str, channel: str = "json") -> None:
        self.applications.refused(Application(name, channel, "here"), "bad")

    def names(self) -> list[str]:
        return [each.name for each in self.applications]

    def interval(self, name: str) -> float | None:
        known = self.applications.get(name)
        return known.interval if known else None


def test_one_too_many_is_refused():
    world = World(2)
    world.accepted("a")
    world.accepted("b")

    with pytest.raises(Refused) as refused:
        world.accepted("c")

    assert refused.value.reason is Reason.TOO_MANY_APPLICATIONS
    world.accepted("a")
    assert world.names() == ["a", "b"]


def test_who_was_only_ever_refused_makes_room_longest_ago_first():
    world = World(4)
    world.refused("http://target", "poll")
    world.accepted("good")
    world.refused("good")
    for name in ("nonsense 2", "nonsense 1"):
        world.now += 1
        world.refused(name)

    world.accepted("new 1")
    assert world.names() == ["good", "http://target", "new 1", "nonsense 1"]
    world.accepted("new 2")
    with pytest.raises(Refused):
        world.accepted("new 3")
    assert world.names() == ["good", "http://target", "new 1", "new 2"]


def pushed(world: World, *gaps: float) -> float:
    """Return the interval after pushes that are so many seconds apart."""
    world.accepted("a")
    for gap in gaps:
        world.now += gap
        world.accepted("a")
    interval = world.interval("a")
    assert interval is not None
    return interval


def test_an_interval_is_learnt():
    assert pushed(World(1), 60, 60, 60) == pytest.approx(60)


def test_a_burst_of_retries_says_little():
    assert pushed(World(1), *[60] * 5, 0.01, 0.01, 0.01) > 30
    assert pushed(World(1), 0.001) >= 1


def test_a_day_of_rest_says_little():
    assert pushed(World(1), *[5] * 5, 86_400) < 20


def test_another_pace_is_learnt_in_some_pushes():
    assert pushed(World(1), 0.001, *[60] * 20) == pytest.approx(60, rel=0.1)
    assert pushed(World(1), *[60] * 5, *[5] * 40) == pytest.approx(5, rel=0.1)


def test_a_clock_that_is_set_back_harms_nothing():
    assert pushed(World(1), 60, -3600, 60) > 0
