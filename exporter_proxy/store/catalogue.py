"""Every family once, whoever sent it: what ``/metrics`` is made of.

Who came first keeps what it has. A family whose type or name clashes with one that is
there already is left out, and so is a series that another application sends as well;
both get their turn as soon as the first one stops sending it. Replacing one
application's families costs nothing for those that share no name with them.
"""

from collections.abc import Iterable

from exporter_proxy.exposition.family import SUFFIXES, Family
from exporter_proxy.store.shelf import Shelf


class Catalogue:
    """The families of all applications, merged."""

    def __init__(self) -> None:
        self._sent: dict[str, dict[bytes, Family]] = {}
        self._shelves: dict[bytes, Shelf] = {}
        # In the order in which they get their turn.
        self._left_out: dict[tuple[str, bytes], None] = {}
        self._text: bytes | None = None

    def replace(self, application: str, families: Iterable[Family]) -> None:
        """Let an application's families take the place of those it sent before."""
        before = self._sent.get(application, {})
        after = {family.name: family for family in families}
        self._sent[application] = after
        for name, family in before.items():
            if name not in after or after[name].type != family.type:
                self._release(application, name)
        for waiting, name in tuple(self._left_out):
            self._admit(waiting, name)
        for name in after:
            self._admit(application, name)
        self._text = None

    def families(self, application: str) -> tuple[Family, ...]:
        """Return what an application sent."""
        return tuple(self._sent.get(application, {}).values())

    def text(self) -> bytes:
        """Return one valid exposition, families in the order of their names."""
        if self._text is None:
            shelves = self._shelves
            self._text = b"".join(shelves[name].text() for name in sorted(shelves))
        return self._text

    def left_out_families(self, application: str) -> tuple[str, ...]:
        """Return which families of an application clash with those of others."""
        return tuple(
            name.decode() for who, name in self._left_out if who == application
        )

    def left_out_series(self, application: str) -> int:
        """Return how many series of an application another one sends as well."""
        names = self._sent.get(application, {})
        return sum(
            self._shelves[name].left_out(application)
            for name in names
            if name in self._shelves
        )

    def _admit(self, application: str, name: bytes) -> None:
        family = self._sent[application][name]
        self._left_out.pop((application, name), None)
        if self._clashes(family):
            self._left_out[application, name] = None
        else:
            shelf = self._shelves.setdefault(name, Shelf(name, family.type))
            shelf.put(application, family)

    def _release(self, application: str, name: bytes) -> None:
        if (application, name) in self._left_out:
            del self._left_out[application, name]
            return
        shelf = self._shelves[name]
        shelf.remove(application)
        if shelf.is_empty():
            del self._shelves[name]

    def _clashes(self, family: Family) -> bool:
        """Return whether a scraper would fail on this family beside the others.

        A histogram foo also owns the name foo_count, whichever of the two comes first.
        """
        beside = self._shelves.get(family.name)
        if beside and beside.type != family.type:
            return True
        others = (name for name in family.sample_names() if name != family.name)
        return any(name in self._shelves for name in others) or self._is_sample(family)

    def _is_sample(self, family: Family) -> bool:
        base, underscore, word = family.name.rpartition(b"_")
        owner = self._shelves.get(base)
        return owner is not None and underscore + word in SUFFIXES[owner.type]
