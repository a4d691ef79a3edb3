"""What both services need to know of the Kafka library's clients."""

import logging

# With a version given, a client connects in the background and for as long as it takes;
# without one, every failed attempt to construct it leaves a thread behind (measured).
# Older brokers are still spoken to in their own version.
NEWEST_KAFKA = (4, 3)

REPEAT_AFTER_SECONDS = 60
_MOST_REMEMBERED = 100


def quieten() -> None:
    """Let only the reasons of failed connections into the log, each once a minute.

    It is the one place that tells why, but tells it without end.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    connections = logging.getLogger("kafka.net.manager")
    connections.setLevel(logging.ERROR)
    connections.addFilter(SeldomTheSame())


class SeldomTheSame(logging.Filter):
    """Keeps back a message that passed less than a minute ago."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record may pass."""
        message = record.getMessage()
        last = self._passed.get(message)
        if last is not None and record.created - last < REPEAT_AFTER_SECONDS:
            return False
        if len(self._passed) >= _MOST_REMEMBERED:
            self._passed.clear()
        self._passed[message] = record.created
        return True
