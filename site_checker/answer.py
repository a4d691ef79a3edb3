"""What a site answered, and the result that makes of its check."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from site_checker.slots import Run
from sites.config import Check, search
from sites.result import Reason, Result


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request.

    failure: why there is no complete answer, with the details in ``error``;
        ``code`` and ``body`` then hold what came before it.
    seconds: from the name look-up to the last byte or the failure.
    """

    seconds: float
    code: int | None = None
    body: bytes = b""
    failure: Reason | None = None
    error: str = ""


def judge(check: Check, answer: Answer) -> tuple[Reason, str]:
    """Return the verdict, and in words what was wrong; nothing on success."""
    if answer.failure:
        return answer.failure, answer.error
    if check.regexp:
        if search(check.regexp)(answer.body) is None:
            return Reason.NO_MATCH, "the regexp was not found in the body"
    elif answer.code != check.expected_code:
        return (
            Reason.UNEXPECTED_CODE,
            f"expected {check.expected_code}, got {answer.code}",
        )
    return Reason.OK, ""


def examine(get: Callable[[Check], Answer], run: Run) -> Result:
    """Request the page and return the result of the check."""
    check = run.check
    answer = get(check)
    reason, error = judge(check, answer)
    return Result(
        url=check.url,
        expected_code=check.expected_code,
        regexp=check.regexp,
        scheduled_at=datetime.fromtimestamp(run.slot / 1000, UTC),
        created=datetime.now(UTC),
        reason=reason,
        error=error,
        response_code=answer.code,
        response_length=None if answer.code is None else len(answer.body),
        response_time=answer.seconds,
    )
