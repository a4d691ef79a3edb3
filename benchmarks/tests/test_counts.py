import pytest

from benchmarks.failure import Failed
from benchmarks.rsync_exporter import counts
from benchmarks.rsync_exporter.counts import Counts, both, check
from benchmarks.rsync_exporter.visits import Summary, Visit

PULL = Visit([("connect",), ("sent",)], "aborted", "pull", Summary(5, 3, 9), 10, 2)


def test_a_session_adds_to_everything():
    found = Counts(lines=2)
    found.add(PULL)
    assert found.figures() == {
        counts.LINES: 2,
        counts.CONNECTIONS: 1,
        counts.TRANSFERS: 1,
        counts.SENT: 5,
        counts.RECEIVED: 3,
        counts.EXCHANGED: 9,
        counts.FILES: 2,
        "errors of code 10": 1,
        "sessions: pull, aborted": 1,
    }


def test_two_logs_together():
    assert both({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 5, "c": 4}


def test_right_counts_pass_with_zeros_beside_them():
    check("ours", {"a": 1}, {"a": 1.0, "b": 0})


@pytest.mark.parametrize(
    ("counted", "complaint"),
    [
        ({"a": 2}, "a 2 instead of 1"),
        ({}, "a None instead of 1"),
        ({"a": 1, "b": 3}, "b 3 instead of none"),
    ],
)
def test_wrong_counts_are_named(counted: dict[str, float], complaint: str):
    with pytest.raises(Failed, match=f"ours counts wrong: {complaint}"):
        check("ours", {"a": 1}, counted)
