"""Publisher confirms: which messages are on their way, and when a batch is safe."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from esnet_collector.messages import Message


class PublishFailed(Exception):  # noqa: N818 - reads as what happened
    """The broker has not taken a batch whole; the text says where and why."""


class Fate(StrEnum):
    """What became of one message."""

    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    NACKED = "nacked"


@dataclass(eq=False)
class Batch:
    """Messages that are safe together or not at all, as ``outcome`` tells."""

    messages: Sequence[Message]
    outcome: Future[None] = field(default_factory=Future)
    confirmed: int = 0

    def confirm(self) -> None:
        """Note that the broker has one more of the messages."""
        self.confirmed += 1
        if self.confirmed == len(self.messages) and not self.outcome.done():
            self.outcome.set_result(None)

    def fail(self, error: PublishFailed) -> None:
        """Note that at least one message did not arrive."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on its way, and the batch that waits for it."""

    message: Message
    batch: Batch


class InFlight:
    """Messages sent and not yet confirmed.

    The broker confirms out of order and several at once, and says that a message could
    not be routed only by its id, in a return that comes before the confirmation.
    """

    def __init__(self) -> None:
        self._sent: dict[int, Sent] = {}
        self._last_tag = 0
        self._returned: set[str] = set()

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, sent: Sent) -> None:
        """Note one more message; the broker counts delivery tags from 1, too."""
        self._last_tag += 1
        self._sent[self._last_tag] = sent

    def returned(self, message_id: str) -> None:
        """Note that a message could not be routed: its confirmation means nothing."""
        self._returned.add(message_id)

    def settle(
        self, tag: int, *, multiple: bool, acknowledged: bool
    ) -> Iterator[tuple[Sent, Fate]]:
        """Yield each message that a confirmation is about, with what became of it."""
        tags = [tag]
        if multiple:
            tags = list(takewhile(lambda each: each <= tag, self._sent))
        for each in tags:
            if sent := self._sent.pop(each, None):
                yield sent, self._fate(sent.message, acknowledged)

    def _fate(self, message: Message, acknowledged: bool) -> Fate:
        if message.id in self._returned:
            self._returned.remove(message.id)
            return Fate.RETURNED
        return Fate.ACKNOWLEDGED if acknowledged else Fate.NACKED

    def abandon(self) -> Iterator[Sent]:
        """Yield, and forget, every message whose fate will never be known."""
        while self._sent:
            yield self._sent.popitem()[1]
