"""The Kafka library's log: its reasons are told, but not over and over."""

import logging

from sites.kafka_client import SeldomTheSame


def record(message: str, created: float) -> logging.LogRecord:
    made = logging.LogRecord("kafka", logging.ERROR, "", 0, message, None, None)
    made.created = created
    return made


def test_each_message_passes_once_a_minute() -> None:
    seldom = SeldomTheSame()
    passed = [
        (second, word)
        for second in range(0, 100, 20)
        for word in ("refused", "no such host")
        if seldom.filter(record(word, second))
    ]
    assert passed == [
        (0, "refused"),
        (0, "no such host"),
        (60, "refused"),
        (60, "no such host"),
    ]


def test_ever_new_messages_do_not_fill_the_memory() -> None:
    seldom = SeldomTheSame()
    assert all(seldom.filter(record(f"port {n}", 0)) for n in range(1000))
