"""The heartbeat in the log: proof, every so many inserts, that rows are written."""

import logging

log = logging.getLogger(__name__)


class Heartbeat:
    """Says how many inserts succeeded, whenever ``every_inserts`` more of them did.

    Its two lines are a contract: people search for them.
    """

    def __init__(self, every_inserts: int) -> None:
        self._every = every_inserts
        self._unreported = 0

    def announce(self) -> None:
        """Say that heartbeats will come."""
        log.info(
            "Starting connections logging to database."
            " Will send heartbeats every %d queries",
            self._every,
        )

    def count(self, inserts: int) -> None:
        """Note inserts; a large batch is worth several heartbeats, told in one line."""
        self._unreported += inserts
        due = self._unreported - self._unreported % self._every
        if due:
            log.info("Heartbeat: %d inserts succeeded", due)
        self._unreported -= due
