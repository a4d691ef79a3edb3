"""Messages sorted: results to store, and bad messages with what is wrong with them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from kafka.consumer.fetcher import ConsumerRecord

from sites.result import BadMessage, Result, decode

# Four times what the longest possible result takes with every character escaped.
MAX_MESSAGE_BYTES = 512 * 1024


class Fault(StrEnum):
    """Why a message cannot become a row."""

    MALFORMED = "malformed"
    OVERSIZE = "oversize"
    REFUSED = "refused"


class Accepted(NamedTuple):
    """A message, and the result that it carries."""

    record: ConsumerRecord
    result: Result


class Rejected(NamedTuple):
    """A message that cannot become a row; ``error`` tells people why."""

    record: ConsumerRecord
    fault: Fault
    error: str


def sort(records: Iterable[ConsumerRecord]) -> tuple[list[Accepted], list[Rejected]]:
    """Return the messages that carry a result and those that do not, each in order."""
    accepted: list[Accepted] = []
    rejected: list[Rejected] = []
    for record in records:
        value = record.value or b""
        if len(value) > MAX_MESSAGE_BYTES:
            error = f"{len(value)} bytes, more than {MAX_MESSAGE_BYTES}"
            rejected.append(Rejected(record, Fault.OVERSIZE, error))
            continue
        try:
            accepted.append(Accepted(record, decode(value)))
        except BadMessage as bad:
            rejected.append(Rejected(record, Fault.MALFORMED, str(bad)))
    return accepted, rejected
