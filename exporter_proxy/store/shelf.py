"""One family's place in the catalogue, shared by every application that sends it."""

from collections.abc import Set as AbstractSet

from exporter_proxy.exposition.family import Family


class Shelf:
    """A family, put together from what each application sends of it.

    An application's part changes at a cost that depends on that part only.
    """

    def __init__(self, name: bytes, family_type: bytes) -> None:
        self.type = family_type
        self._name = name
        self._families: dict[str, Family] = {}
        self._served: dict[str, bytes] = {}
        self._claims: Claims | None = None

    def put(self, application: str, family: Family) -> None:
        """Take an application's part, in place of its former one if there is one."""
        former = self._families.get(application)
        if former is None and self._families:
            self._share()
        self._families[application] = family
        if self._claims is None:
            self._served[application] = family.samples
        else:
            self._reclaim(self._claims, application, former, family)

    def remove(self, application: str) -> None:
        """Forget an application's part."""
        former = self._families.pop(application)
        del self._served[application]
        if self._claims is not None:
            self._reclaim(self._claims, application, former, None)

    def is_empty(self) -> bool:
        """Return whether no application sends this family any more."""
        return not self._families

    def text(self) -> bytes:
        """Return the family as it is served."""
        header = b"# TYPE %b %b\n" % (self._name, self.type)
        if text := next(filter(None, (f.help for f in self._families.values())), b""):
            header = b"# HELP %b %b\n%b" % (self._name, text, header)
        return header + b"".join(self._served.values())

    def left_out(self, application: str) -> int:
        """Return how many of an application's series are another one's already."""
        if self._claims is None or application not in self._families:
            return 0
        sent = self._families[application].series_count()
        return sent - self._served[application].count(b"\n")

    def _share(self) -> None:
        """Note what belongs to whom; while one is alone, all is its own."""
        if self._claims is None:
            self._claims = Claims()
            for application, family in self._families.items():
                self._claims.change(application, set(), _identities(family))

    def _reclaim(
        self,
        claims: "Claims",
        application: str,
        former: Family | None,
        family: Family | None,
    ) -> None:
        changed = claims.change(application, _identities(former), _identities(family))
        for other in changed & self._families.keys():
            self._served[other] = b"".join(
                line
                for series, line in self._families[other].series()
                if claims.holder(series) == other
            )


class Claims:
    """Which application each series belongs to: the first of those that send it."""

    def __init__(self) -> None:
        self._queues: dict[bytes, list[str]] = {}

    def change(
        self, application: str, before: AbstractSet[bytes], after: AbstractSet[bytes]
    ) -> set[str]:
        """Let an application claim other series; return whose part may change."""
        changed = {application}
        for series in before - after:
            queue = self._queues[series]
            queue.remove(application)
            changed.update(queue[:1])
            if not queue:
                del self._queues[series]
        for series in after - before:
            self._queues.setdefault(series, []).append(application)
        return changed

    def holder(self, series: bytes) -> str:
        """Return the application that a claimed series belongs to."""
        return self._queues[series][0]


def _identities(family: Family | None) -> set[bytes]:
    return {series for series, _ in family.series()} if family else set()
