from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from esnet_collector.confirms import PublishFailed
from esnet_collector.messages import Message
from esnet_collector.metrics import Metrics
from esnet_collector.outbox import MAX_IN_FLIGHT, Outbox


class Desk:
    """An outbox with the numbers it exports; messages of a batch are named after it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.outbox = Outbox("exchange", Metrics(self.registry, ("key",)))

    def add(self, name: str, count: int) -> Future[None]:
        return self.outbox.add(
            [Message("key", f"{name}{n}", b"{}") for n in range(count)]
        )

    def count(self, outcome: str) -> float | None:
        labels = {"key": "key", "outcome": outcome}
        return self.registry.get_sample_value("esnet_collector_messages_total", labels)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_batch_is_safe_once_all_of_it_is_confirmed_in_any_order(desk: Desk) -> None:
    outcome = desk.add("a", 3)
    assert [message.id for message in desk.outbox.take()] == ["a0", "a1", "a2"]
    for tag in (2, 3):
        desk.outbox.settle(tag, multiple=False, acknowledged=True)
        assert not outcome.done()
    desk.outbox.settle(1, multiple=False, acknowledged=True)
    assert outcome.result(0) is None
    assert desk.count("acknowledged") == 3


def test_one_confirmation_may_be_about_several(desk: Desk) -> None:
    first, second = desk.add("a", 2), desk.add("b", 2)
    list(desk.outbox.take())
    desk.outbox.settle(3, multiple=True, acknowledged=True)
    assert first.done()
    assert not second.done()


def test_a_message_that_comes_back_fails_its_batch_alone(desk: Desk) -> None:
    first, second = desk.add("a", 2), desk.add("b", 1)
    list(desk.outbox.take())
    desk.outbox.returned("a1")
    desk.outbox.settle(3, multiple=True, acknowledged=True)
    with pytest.raises(PublishFailed, match="no queue is bound to exchange with key"):
        first.result(0)
    assert second.result(0) is None
    assert (desk.count("returned"), desk.count("acknowledged")) == (1, 2)


def test_a_refused_message_fails_its_batch(desk: Desk) -> None:
    outcome = desk.add("a", 1)
    list(desk.outbox.take())
    desk.outbox.settle(1, multiple=False, acknowledged=False)
    with pytest.raises(PublishFailed, match="was refused"):
        outcome.result(0)
    assert desk.count("nacked") == 1


def test_the_end_fails_what_is_sent_what_waits_and_what_comes(desk: Desk) -> None:
    sent = desk.add("a", MAX_IN_FLIGHT)
    list(desk.outbox.take())
    waiting = desk.add("b", 1)
    desk.outbox.end(PublishFailed("gone"))
    for outcome in (sent, waiting):
        with pytest.raises(PublishFailed, match="gone"):
            outcome.result(0)
    with pytest.raises(PublishFailed, match="gone"):
        desk.add("c", 1)
    assert desk.count("unconfirmed") == MAX_IN_FLIGHT


def test_only_so_many_are_in_flight(desk: Desk) -> None:
    desk.add("a", MAX_IN_FLIGHT + 5)
    assert len(list(desk.outbox.take())) == MAX_IN_FLIGHT
    assert list(desk.outbox.take()) == []
    desk.outbox.settle(3, multiple=True, acknowledged=True)
    assert len(list(desk.outbox.take())) == 3


def test_nothing_is_overdue_while_nothing_is_in_flight(desk: Desk) -> None:
    desk.add("a", 1)
    assert desk.outbox.overdue_seconds() == 0
    list(desk.outbox.take())
    assert 0 <= desk.outbox.overdue_seconds() < 10


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5), data=st.data())
def test_whatever_the_broker_says_a_batch_is_safe_exactly_if_all_of_it_is(
    sizes: list[int], data: st.DataObject
) -> None:
    desk = Desk()
    outcomes = [desk.add(f"batch{n}-", size) for n, size in enumerate(sizes)]
    owners = [n for n, size in enumerate(sizes) for _ in range(size)]
    sent = list(desk.outbox.take())
    unsafe, open_tags = set(), set(range(1, len(sent) + 1))
    while open_tags:
        tag = data.draw(st.sampled_from(sorted(open_tags)))
        multiple, good = data.draw(st.booleans()), data.draw(st.booleans())
        about = {each for each in open_tags if each <= tag} if multiple else {tag}
        if data.draw(st.booleans()):
            desk.outbox.returned(sent[tag - 1].id)
            unsafe.add(owners[tag - 1])
        if not good:
            unsafe |= {owners[each - 1] for each in about}
        desk.outbox.settle(tag, multiple=multiple, acknowledged=good)
        open_tags -= about
    for n, outcome in enumerate(outcomes):
        assert (outcome.exception(0) is not None) == (n in unsafe)
