import threading
from concurrent.futures import Future

import pytest

from esnet_collector.confirms import PublishFailed
from esnet_collector.deliveries import Patience
from esnet_collector.measurements import is_final, oldest_cursors
from esnet_collector.metrics import Lag
from esnet_collector.replies import Outcome
from esnet_collector.streams import Kind, Stream, Window
from servicekit import Stop, Stopped


def stream(
    kind: Kind = Kind.TRAFFIC, since_ms: int = 0, until_ms: int | None = None
) -> Stream:
    return Stream(1, "devices/a/interfaces/b", kind, since_ms, until_ms)


@pytest.mark.parametrize(
    ("outcome", "while_listed", "once_closed"),
    [
        (Outcome.OK, True, True),
        (Outcome.EMPTY, True, True),
        (Outcome.GONE, False, True),
        (Outcome.RETRY, False, False),
        (Outcome.MALFORMED, False, False),
    ],
)
def test_only_an_answer_moves_a_cursor(
    outcome: Outcome, while_listed: bool, once_closed: bool
) -> None:
    assert is_final(Window(stream(), 0, 1), outcome) is while_listed
    assert is_final(Window(stream(until_ms=1), 0, 1), outcome) is once_closed


def test_lag_is_that_of_the_oldest_open_stream_of_each_type() -> None:
    lag = Lag(clock=lambda: 100.0)
    assert [family.samples for family in lag.collect()] == [[]]
    lag.replace(
        oldest_cursors(
            [
                stream(since_ms=90_000),
                stream(since_ms=70_000),
                stream(since_ms=10_000, until_ms=20_000),
                stream(Kind.ERRORS, since_ms=99_500),
            ]
        )
    )
    (family,) = lag.collect()
    assert {sample.labels["type"]: sample.value for sample in family.samples} == {
        "traffic": 30.0,
        "errors": 0.5,
    }


def test_the_broker_may_take_its_time() -> None:
    outcome: Future[None] = Future()
    threading.Timer(0.3, outcome.set_result, [None]).start()
    Patience(Stop()).await_result(outcome)


def test_a_failure_is_raised() -> None:
    outcome: Future[None] = Future()
    outcome.set_exception(PublishFailed("gone"))
    with pytest.raises(PublishFailed, match="gone"):
        Patience(Stop()).await_result(outcome)


def test_once_asked_to_stop_the_broker_has_only_so_long() -> None:
    stop, times = Stop(), iter(range(0, 100, 3))
    stop.set()
    with pytest.raises(Stopped):
        Patience(stop, clock=lambda: float(next(times))).await_result(Future())
