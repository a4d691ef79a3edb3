"""Where every body arrives, pushed or polled: it is taken whole or not at all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from weakref import WeakValueDictionary

from exporter_proxy.config.values import Lifetime
from exporter_proxy.exposition.body import Reader, Reading, check_names
from exporter_proxy.exposition.family import Family
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.metrics import Metrics
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.keeper import Keeper, Nobody
from exporter_proxy.store.policies import Policies, Policy, escaped
from exporter_proxy.store.record import Record

log = logging.getLogger(__name__)

# Longer bodies are read beside the event loop, so that nobody waits for them. Where
# only values differ from the delivery before, reading is quick: 400 MB/s, measured.
INLINE_BYTES = 64 * 1024
INLINE_REFILL_BYTES = 2**20

_NO_LIMITS = Rules(
    timestamps="keep",
    max_bytes=2**40,
    max_series=2**40,
    max_labels=2**40,
    max_label_bytes=2**40,
    drop_reserved=True,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, how (``json``, ``capnp``, ``http`` or ``poll``) and from where.

    user_id: who runs what pushed by Unix socket; not known of other ways.
    """

    application: str
    channel: str
    source: str
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body and what is to be done with it.

    lifetime: what the sender wishes; None leaves it to the configuration.
    group: labels of the group that it goes to, if any.
    merge: whether families that it does not name stay.
    """

    origin: Origin
    body: bytes
    lifetime: Lifetime | None = None
    group: Mapping[str, str] = field(default_factory=dict)
    merge: bool = False


class Taken(NamedTuple):
    """What became of a delivery.

    refused: why lines were dropped, where bad lines are.
    left_out: families that are not served, for they clash with another application's.
    """

    series: int
    dropped_lines: int
    refused: Refused | None
    left_out: tuple[str, ...] = ()


class _Known(NamedTuple):
    """What is needed for the next delivery of an application."""

    reader: Reader
    policy: Policy


class Intake:
    """Takes what is valid, refuses what is not; the last good data stays."""

    def __init__(
        self,
        catalogue: Catalogue,
        applications: Applications,
        metrics: Metrics,
        policies: Policies,
        parsers: Executor,
    ) -> None:
        self._catalogue = catalogue
        self._applications = applications
        self._metrics = metrics
        self._parsers = parsers
        self.policies = policies
        self.keeper: Keeper = Nobody()
        self._known: dict[str, _Known] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, delivery: Delivery) -> Taken:
        """Let a body take the place of the application's last one, if it is valid.

        Raises Refused, which is then counted, logged and shown already.
        """
        origin = delivery.origin
        async with self.turn(origin.application):
            policies = self.policies
            try:
                self._check_user(origin)
                self._applications.check_room(origin.application)
                known = self._known.get(origin.application) or self._new(delivery)
                reading = await self._read(known.reader, delivery.body)
                families = self._merged(delivery, reading.families, known.policy.rules)
            except Refused as refused:
                self.refuse(origin, refused)
                raise
            if policies is self.policies:  # and not a newer one meanwhile
                self._known[origin.application] = known
            left_out = self._accept(delivery, families, reading)
            self._note(delivery, families, reading, known.policy.lifetime)
            names = {family.name for family in reading.families}
            await self.keeper.taken(
                origin.application, names if delivery.merge else None
            )
        return Taken(
            _series_count(families),
            reading.dropped_lines,
            reading.first_refusal,
            left_out,
        )

    def refuse(self, origin: Origin, refused: Refused) -> None:
        """Count, log and show that an application's data was not taken."""
        self._metrics.deliveries.labels(origin.channel, "refused").inc()
        self._metrics.refusals.labels(refused.reason).inc()
        # Who may not push an application cannot make it look as if it failed either.
        news = not self._may_push(origin) or self._applications.refused(
            Application(origin.application, origin.channel, origin.source), str(refused)
        )
        log.log(
            logging.WARNING if news else logging.DEBUG,
            "refused app=%s source=%s reason=%s error=%s",
            origin.application,
            origin.source,
            refused.reason,
            refused,
        )

    async def restore(self, record: Record) -> bool:
        """Serve what was taken before, with its age, unless its time is over.

        Returns whether it is served. Raises Refused.
        """
        async with self.turn(record.name):
            return await self.serve(record)

    async def serve(
        self, record: Record, keeping: AbstractSet[bytes] = frozenset()
    ) -> bool:
        """Do as ``restore`` in the application's turn, which the caller has.

        keeping: families that stay what they are here, as what is known of their
            application does then.
        """
        self._applications.check_room(record.name)
        policy = self.policies.of(record.name, record.channel, record.labels)
        restored = _application(record, policy.lifetime)
        if not keeping and self._applications.is_over(restored):
            return False
        labels = {key.encode(): escaped(text) for key, text in record.labels.items()}
        reader = Reader(replace(_NO_LIMITS, labels=labels))
        reading = await self._read(reader, record.text)
        kept = [
            family
            for family in self._catalogue.families(record.name)
            if family.name in keeping
        ]
        families = _together(reading.families, kept)
        self._known.pop(record.name, None)
        self._catalogue.replace(record.name, families)
        known = self._applications.get(record.name) if keeping else None
        self._applications.restored(
            replace(known or restored, series=_series_count(families))
        )
        return True

    def record(self, name: str) -> Record | None:
        """Return what is to be kept of an application; None if it has no data."""
        known = self._applications.get(name)
        if known is None or known.updated_at is None or known.state is State.STALE:
            return None
        return Record(
            name,
            known.channel,
            known.source,
            known.updated_at,
            b"".join(
                family.header() + family.samples
                for family in self._catalogue.families(name)
            ),
            known.interval,
            known.lifetime,
            known.labels,
            known.since,
        )

    async def delete(self, name: str) -> bool:
        """Forget an application and its data; return whether it was known."""
        async with self.turn(name):
            known = self._applications.get(name) is not None
            self.remove(name)
            known = await self.keeper.deleted(name) or known
        if known:
            log.info("deleted app=%s", name)
        return known

    def remove(self, name: str) -> None:
        """Forget an application and its data, here only."""
        self.expire(name)
        self._applications.forget(name)

    def expire(self, name: str) -> None:
        """Take an application's data from what is served."""
        self._known.pop(name, None)
        self._catalogue.replace(name, ())

    def _check_user(self, origin: Origin) -> None:
        """Raise Refused when the application is bound to other users."""
        if not self._may_push(origin):
            wanted = ", ".join(map(str, self._user_ids(origin) or ()))
            detail = f"to be pushed by Unix socket only, by user {wanted or 'none'}"
            raise Refused(Reason.FORBIDDEN, detail)

    def _may_push(self, origin: Origin) -> bool:
        bound_to = self._user_ids(origin)
        return (
            bound_to is None or origin.channel == "poll" or origin.user_id in bound_to
        )

    def _user_ids(self, origin: Origin) -> tuple[int, ...] | None:
        name = origin.application
        known = self._known.get(name)
        policy = known.policy if known else self.policies.of(name, origin.channel, {})
        return policy.user_ids

    def _new(self, delivery: Delivery) -> _Known:
        origin = delivery.origin
        policy = self.policies.of(origin.application, origin.channel, delivery.group)
        return _Known(Reader(policy.rules), policy)

    def follow(self, policies: Policies) -> None:
        """Do from now on as a new configuration says.

        It counts at once for how long data lives, unless the sender said that itself.
        """
        for each in self._applications:
            which = each.name, each.channel, each.labels
            if each.lifetime == self.policies.of(*which).lifetime:
                self._applications.live(each.name, policies.of(*which).lifetime)
        self.policies = policies
        self._known.clear()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Keep the deliveries of one application in their order."""
        turn = self._turns.get(name)
        if turn is None:
            turn = self._turns[name] = asyncio.Lock()
        async with turn:
            yield

    async def _read(self, reader: Reader, body: bytes) -> Reading:
        if len(body) <= INLINE_REFILL_BYTES and (reading := reader.refill(body)):
            return reading
        if len(body) <= INLINE_BYTES:
            return reader.read(body)
        return await self._in_thread(reader, body)

    async def _in_thread(self, reader: Reader, body: bytes) -> Reading:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parsers, reader.read, body)

    def _merged(
        self, delivery: Delivery, families: tuple[Family, ...], rules: Rules
    ) -> tuple[Family, ...]:
        if not delivery.merge:
            return families
        kept = self._catalogue.families(delivery.origin.application)
        merged = _together(kept, families)
        if len(merged) > len(families):
            _check_size(merged, rules)
        return merged

    def _accept(
        self, delivery: Delivery, families: tuple[Family, ...], reading: Reading
    ) -> tuple[str, ...]:
        """Let families count; return those that clash with others' all the same."""
        origin = delivery.origin
        name = origin.application
        left_out_before = self._catalogue.left_out_families(name)
        self._catalogue.replace(name, families)
        self._metrics.deliveries.labels(origin.channel, "accepted").inc()
        if reading.first_refusal:
            self._metrics.dropped_lines.labels(reading.first_refusal.reason).inc(
                reading.dropped_lines
            )
        left_out = self._catalogue.left_out_families(name)
        if left_out and left_out != left_out_before:
            log.warning(
                "left out, clashing with another application app=%s families=%s",
                name,
                ",".join(left_out),
            )
        return left_out

    def _note(
        self,
        delivery: Delivery,
        families: tuple[Family, ...],
        reading: Reading,
        lifetime: Lifetime,
    ) -> None:
        origin, series = delivery.origin, _series_count(families)
        before = self._applications.accepted(
            Application(
                origin.application,
                origin.channel,
                origin.source,
                State.OK,
                self._applications.clock(),
                lifetime=delivery.lifetime or lifetime,
                series=series,
                dropped_lines=reading.dropped_lines,
                labels=delivery.group,
            )
        )
        if before is None or before.state is not State.OK:
            log.info(
                "accepted app=%s source=%s series=%d",
                origin.application,
                origin.source,
                series,
            )


def _together(
    families: Iterable[Family], newer: Iterable[Family]
) -> tuple[Family, ...]:
    """Return all families, of one name the newer. Raises Refused when they clash."""
    merged = {family.name: family for family in (*families, *newer)}
    check_names(merged.values())
    return tuple(merged.values())


def _check_size(families: tuple[Family, ...], rules: Rules) -> None:
    """Raise Refused when one body of all these families would be refused."""
    if _series_count(families) > rules.max_series:
        what = f"more than {rules.max_series} series with those that stay"
        raise Refused(Reason.TOO_MANY_SERIES, what)
    if sum(len(each.help) + len(each.samples) for each in families) > rules.max_bytes:
        what = f"more than {rules.max_bytes} bytes with what stays"
        raise Refused(Reason.TOO_LARGE, what)


def _application(record: Record, lifetime: Lifetime) -> Application:
    return Application(
        record.name,
        record.channel,
        record.source,
        State.OK,
        record.updated_at,
        record.interval,
        record.lifetime or lifetime,
        labels=record.labels,
        since=record.since or record.updated_at,
    )


def _series_count(families: tuple[Family, ...]) -> int:
    return sum(family.shape.series_count for family in families)
