"""Messages sorted: what is a result is accepted, anything else tells what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord

from db_writer.messages import MAX_MESSAGE_BYTES, Fault, sort
from db_writer.tests.helpers import record, result
from sites.result import encode


def faults(*values: bytes | None) -> list[tuple[Fault, str]]:
    """Return what is wrong with each bad message among these."""
    _, rejected = sort([record(value) for value in values])
    return [(one.fault, one.error) for one in rejected]


def test_results_are_accepted_in_order():
    sent = [result(number) for number in range(3)]
    accepted, rejected = sort([record(encode(one)) for one in sent])
    assert [message.result for message in accepted] == sent
    assert rejected == []


def test_a_bad_message_does_not_touch_the_others():
    good = record(encode(result()))
    bad = record(b"not JSON")
    accepted, rejected = sort([good, bad, good])
    assert [message.record for message in accepted] == [good, good]
    assert [message.record for message in rejected] == [bad]


@pytest.mark.parametrize(
    "value", [None, b"", b"null", b"[]", b"{", b"\xff", b'{"url": 1}', b"[" * 100_000]
)
def test_what_is_no_result_is_malformed(value: bytes | None):
    [(fault, error)] = faults(value)
    assert fault is Fault.MALFORMED
    assert error


@pytest.mark.parametrize(
    "field", ["url", "expected_code", "scheduled_at", "created", "reason"]
)
def test_a_missing_field_is_named(field: str):
    fields = json.loads(encode(result()))
    del fields[field]
    [(_, error)] = faults(json.dumps(fields).encode())
    assert f"{field}: " in error


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_the_database_cannot_store_is_malformed(text: str):
    fields = json.loads(encode(result())) | {"url": f"https://x.example/{text}"}
    [(fault, _)] = faults(json.dumps(fields).encode())
    assert fault is Fault.MALFORMED


def test_too_long_a_message_is_not_even_read():
    longest = encode(result()).ljust(MAX_MESSAGE_BYTES)
    assert faults(longest) == []
    [(fault, error)] = faults(longest + b" ")
    assert fault is Fault.OVERSIZE
    assert error == f"{MAX_MESSAGE_BYTES + 1} bytes, more than {MAX_MESSAGE_BYTES}"


def test_the_longest_result_fits():
    longest = result(
        url="https://" + "\u00e9" * 4088, regexp="é" * 4096, error="é" * 500
    )
    escaped = json.dumps(json.loads(encode(longest))).encode("ascii")
    assert len(escaped) * 4 <= MAX_MESSAGE_BYTES


@given(st.lists(st.binary(max_size=100)))
def test_every_message_is_either_accepted_or_rejected(values: list[bytes]):
    records: list[ConsumerRecord] = [record(value) for value in values]
    accepted, rejected = sort(records)
    assert len(accepted) + len(rejected) == len(records)
