"""Which applications the shared store does not have as they are here."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from exporter_proxy.store.table import Version


class Change(NamedTuple):
    """What the store does not have yet.

    families: the names of those that were sent, where the others stay; None: all.
    """

    version: Version
    families: frozenset[bytes] | None = None
    deleted: bool = False


class Unsaved:
    """The last change of each application that is not saved; bounded."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._changes: dict[str, Change] = {}

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._changes))

    def get(self, name: str) -> Change | None:
        """Return what is not saved of an application."""
        return self._changes.get(name)

    def taken(
        self, name: str, version: Version, families: AbstractSet[bytes] | None
    ) -> None:
        """Note new data, on top of what is not saved already."""
        before = self._changes.get(name)
        all_of_it = families is None or (before and before.families is None)
        names = None if all_of_it else frozenset(families or ())
        if names is not None and before and before.families:
            names |= before.families
        self._put(name, Change(version, names))

    def deleted(self, name: str, version: Version) -> None:
        """Note that an application was deleted."""
        self._put(name, Change(version, deleted=True))

    def saved(self, name: str) -> None:
        """Forget what was not saved, for it is, or something newer."""
        self._changes.pop(name, None)

    def postpone(self, name: str) -> None:
        """Let the others be saved before this one, which may be what cannot be."""
        if change := self._changes.pop(name, None):
            self._changes[name] = change

    def _put(self, name: str, change: Change) -> None:
        self._changes.pop(name, None)
        self._changes[name] = change
        if len(self._changes) > self._maximum:
            del self._changes[next(iter(self._changes))]
