"""The Kafka library's log: the one place that tells why, but tells it without end."""

import logging

REPEAT_AFTER_SECONDS = 60
_MOST_REMEMBERED = 100


def quieten() -> None:
    """Let only the reasons of failed connections pass, each once a minute."""
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
