"""The message: what is written is what is read, and nothing else is let in."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites.result import BadMessage, Reason, Result, decode, encode

DUE = datetime(2026, 11, 21, 13, 52, 14, 138000, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
moments = st.datetimes(timezones=st.just(UTC))
results = st.builds(
    Result,
    url=texts,
    expected_code=st.integers(100, 999),
    regexp=texts,
    scheduled_at=moments,
    created=moments,
    reason=st.sampled_from(Reason),
    error=texts,
    response_code=st.none() | st.integers(100, 999),
    response_length=st.none() | st.integers(0, 2**31 - 1),
    response_time=st.floats(0, 9_999),
)


def example(**changes: object) -> Result:
    fields: dict[str, object] = {
        "url": "http://www.demo/",
        "expected_code": 200,
        "regexp": "",
        "scheduled_at": DUE,
        "created": DUE + timedelta(seconds=1),
        "reason": Reason.OK,
        "response_code": 200,
        "response_length": 512,
        "response_time": 0.0125,
    }
    return Result.model_validate(fields | changes)


@given(results)
def test_what_is_encoded_is_decoded(result: Result) -> None:
    assert decode(encode(result)) == result


def test_the_message_has_the_fields_of_the_original() -> None:
    message = json.loads(encode(example()))
    assert message == {
        "url": "http://www.demo/",
        "expected_code": 200,
        "regexp": "",
        "scheduled_at": "2026-11-21T13:52:14.138000Z",
        "created": "2026-11-21T13:52:15.138000Z",
        "reason": "ok",
        "error": "",
        "response_code": 200,
        "response_length": 512,
        "response_time": 0.0125,
        "success": True,
        "event_id": str(example().event_id),
    }


def test_any_reason_but_ok_is_no_success() -> None:
    assert [reason for reason in Reason if example(reason=reason).success] == [
        Reason.OK
    ]


def test_the_event_id_depends_on_the_check_and_its_due_time_alone() -> None:
    event = example().event_id
    elsewhere = DUE.astimezone(timezone(timedelta(hours=-7)))
    for same in (
        example(created=DUE, reason=Reason.DNS, response_code=None),
        example(scheduled_at=elsewhere),
    ):
        assert same.event_id == event
    for other in (
        example(scheduled_at=DUE + timedelta(milliseconds=1)),
        example(url="http://www.demo/ok"),
        example(expected_code=302),
        example(regexp="x"),
    ):
        assert other.event_id != event


def test_the_event_id_never_changes_between_releases() -> None:
    assert str(example().event_id) == "4b38b974-1709-53ab-82d1-fec0733e7121"
    assert example().check_key == "05002dbda4ed5ee623d11b689b772257"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"url": "http://www.demo/\0"}, "url"),
        ({"url": "x" * 4097}, "url"),
        ({"reason": "tired"}, "reason"),
        ({"created": "2026-11-21T13:52:14"}, "created"),
        ({"scheduled_at": None}, "scheduled_at"),
        ({"response_time": -1}, "response_time"),
        ({"response_code": 99}, "response_code"),
        ({"response_length": 2**31}, "response_length"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], place: str) -> None:
    message = json.loads(encode(example())) | changes
    with pytest.raises(BadMessage, match=f"^{place}: "):
        decode(json.dumps(message).encode())


@pytest.mark.parametrize(
    "message", [b"", b"{", b"[]", b"null", b"\xff", b'{"url": "\\ud800"}']
)
def test_what_is_no_result_is_a_bad_message(message: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(message)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(message: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(message)


def test_keys_of_newer_writers_are_ignored() -> None:
    message = json.loads(encode(example())) | {"region": "eu"}
    assert decode(json.dumps(message).encode()) == example()
