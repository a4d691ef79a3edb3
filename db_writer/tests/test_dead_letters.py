"""The letter about a bad message: what came, where from, and what is wrong with it."""

from datetime import UTC, datetime

from db_writer.dead_letters import letter
from db_writer.messages import MAX_MESSAGE_BYTES, Fault, Rejected
from db_writer.tests.helpers import record

NOW = datetime(2026, 11, 21, 13, 52, 14, tzinfo=UTC)


def test_a_letter_holds_the_message_and_where_it_came_from():
    bad = Rejected(record(b"{", key=b"check", offset=7), Fault.MALFORMED, "no JSON: é")
    assert letter(bad, NOW) == {
        "key": b"check",
        "value": b"{",
        "headers": [
            ("fault", b"malformed"),
            ("error", "no JSON: é".encode()),
            ("topic", b"site_checks"),
            ("partition", b"2"),
            ("offset", b"7"),
            ("bytes", b"1"),
            ("time", b"2026-11-21T13:52:14+00:00"),
        ],
    }


def test_a_message_without_key_and_value_has_a_letter_too():
    made = letter(Rejected(record(None), Fault.MALFORMED, "empty"), NOW)
    assert made["key"] is None
    assert made["value"] == b""


def test_a_letter_always_fits_into_a_message():
    """Kafka takes 1 MiB by default, all in all."""
    huge = record(b"x" * 2_000_000, key=b"k" * 2_000_000)
    made = letter(Rejected(huge, Fault.OVERSIZE, "é" * 1_000_000), NOW)
    assert made["key"] == b"k" * 1024
    assert made["value"] == b"x" * MAX_MESSAGE_BYTES
    assert dict(made["headers"])["bytes"] == b"2000000"
    size = sum(len(name) + len(value) for name, value in made["headers"])
    assert size + len(made["value"]) + 1024 < 1_000_000


def test_what_cannot_be_encoded_is_replaced():
    made = letter(Rejected(record(b""), Fault.MALFORMED, "\ud800"), NOW)
    assert dict(made["headers"])["error"] == b"?"
