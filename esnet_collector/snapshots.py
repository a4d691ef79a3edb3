"""Snapshots of all interfaces: published, and written into the history."""

import logging
from collections.abc import Sequence

from esnet_collector.deliveries import Patience
from esnet_collector.inventory import Changes, compare, is_mass_change
from esnet_collector.messages import interface_message
from esnet_collector.parts import Parts
from esnet_collector.replies import Interface, Outcome
from esnet_collector.source import SourceUnavailable

log = logging.getLogger(__name__)


class Snapshots:
    """Takes snapshots; between them it remembers what was missing from the last ones.

    After a restart that memory is empty, so a row is closed later, never too early.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._missing: dict[str, int] = {}

    def take(self, now_ms: int) -> None:
        """Publish every interface, then open and close rows.

        Raises SourceUnavailable, PublishFailed, Stopped or pymysql.MySQLError.
        """
        known = self._parts.store.open_names()
        self._parts.metrics.interfaces.set(len(known))
        reply = self._parts.source.interfaces()
        answered = reply.outcome in (Outcome.OK, Outcome.EMPTY)
        if not answered or not (reply.values or known):
            self._count("failed")
            raise SourceUnavailable(f"interfaces: {reply.reason or 'none is listed'}")
        listed = {interface.resource for interface in reply.values}
        if is_mass_change(known, listed, self._parts.settings.max_missing_share):
            self._hold(len(known), len(known - listed))
            return
        self._publish(reply.values, now_ms)
        patience = self._parts.settings.missing_snapshots
        self._apply(compare(known, listed, self._missing, patience), now_ms)

    def _hold(self, known: int, missing: int) -> None:
        """Leave all as it is: sooner is a reply cut short than a network gone."""
        self._count("held")
        log.error(
            "snapshot held, too much is missing known=%d missing=%d "
            "(MAX_MISSING_SHARE allows for more)",
            known,
            missing,
        )

    def _publish(self, interfaces: Sequence[Interface], now_ms: int) -> None:
        if not interfaces:
            return
        key = self._parts.settings.rmq_interface_key
        outcome = self._parts.broker.publish(
            [interface_message(key, each.record, now_ms) for each in interfaces]
        )
        Patience(self._parts.stop).await_result(outcome)

    def _apply(self, changes: Changes, now_ms: int) -> None:
        self._parts.store.apply(changes, now_ms)
        self._missing = dict(changes.missing)
        self._count("applied")
        opened, closed = len(changes.opened), len(changes.closed)
        self._parts.metrics.changes.labels("opened").inc(opened)
        self._parts.metrics.changes.labels("closed").inc(closed)
        self._parts.metrics.interfaces.inc(opened - closed)
        if opened or closed:
            log.info("interfaces changed opened=%d closed=%d", opened, closed)

    def _count(self, outcome: str) -> None:
        self._parts.metrics.snapshots.labels(outcome).inc()
