"""Refusals that cannot be put down to an application."""

import logging

from exporter_proxy.metrics import Metrics
from exporter_proxy.refusals import Refused
from exporter_proxy.told import Told

log = logging.getLogger(__name__)


class Nameless:
    """Counts them all, and logs what is news: one stream may hold a million."""

    def __init__(self, metrics: Metrics) -> None:
        self._refusals = metrics.refusals
        self._told = Told()

    def note(self, source: str, refused: Refused) -> None:
        """Count what was refused, and log it unless the same was told lately."""
        self._refusals.labels(refused.reason).inc()
        news = self._told.is_due((source, refused.reason))
        log.log(
            logging.WARNING if news else logging.DEBUG,
            "refused source=%s reason=%s error=%s",
            source,
            refused.reason,
            refused,
        )
