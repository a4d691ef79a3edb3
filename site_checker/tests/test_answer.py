"""Verdicts: what an answer makes of a check."""

from datetime import UTC, datetime

import pytest

from site_checker.answer import Answer, examine, judge
from site_checker.slots import Run
from sites.config import Check
from sites.result import Reason


def page(**fields: object) -> Check:
    return Check.model_validate({"url": "http://www.demo/"} | fields)


@pytest.mark.parametrize(
    ("check", "answer", "reason"),
    [
        (page(), Answer(seconds=1, code=200), Reason.OK),
        (page(), Answer(seconds=1, code=302), Reason.UNEXPECTED_CODE),
        (page(expected_code=302), Answer(seconds=1, code=302), Reason.OK),
        (page(regexp="b+"), Answer(seconds=1, code=500, body=b"abba"), Reason.OK),
        (
            page(regexp="b{3}"),
            Answer(seconds=1, code=200, body=b"abba"),
            Reason.NO_MATCH,
        ),
        (
            page(regexp="ä.ü"),
            Answer(seconds=1, code=200, body="äöü".encode()),
            Reason.OK,
        ),
        (page(regexp="ok"), Answer(seconds=1, code=200, body=b"\xff\0ok"), Reason.OK),
        (
            page(regexp="half"),
            Answer(seconds=1, code=200, body=b"half", failure=Reason.TIMEOUT),
            Reason.TIMEOUT,
        ),
    ],
)
def test_verdict(check: Check, answer: Answer, reason: Reason) -> None:
    assert judge(check, answer)[0] is reason


def test_a_failure_says_what_was_wrong() -> None:
    assert judge(page(), Answer(seconds=1, code=404))[1] == "expected 200, got 404"
    lost = Answer(seconds=1, failure=Reason.CONNECTION_LOST, error="reset by peer")
    assert judge(page(), lost)[1] == "reset by peer"


def test_an_expression_made_to_hang_does_not() -> None:
    answer = Answer(seconds=1, code=200, body=b"a" * 2**20)
    assert judge(page(regexp="(a+a+)+b"), answer)[0] is Reason.NO_MATCH


def test_the_result_of_a_site_that_answers() -> None:
    answer = Answer(seconds=0.25, code=200, body=b"12345")
    result = examine(lambda _: answer, Run(page(), 1_795_000_000_123))
    assert result.success
    assert result.scheduled_at == datetime.fromtimestamp(1_795_000_000.123, UTC)
    assert (result.response_code, result.response_length) == (200, 5)
    assert result.response_time == 0.25


def test_the_result_of_a_site_that_does_not() -> None:
    answer = Answer(seconds=0.25, failure=Reason.DNS, error="no such host")
    result = examine(lambda _: answer, Run(page(), 0))
    assert not result.success
    assert (result.response_code, result.response_length) == (None, None)
    assert (result.reason, result.error) == (Reason.DNS, "no such host")
