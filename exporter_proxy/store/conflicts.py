"""What becomes of families that have one name and several types."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter_proxy.exposition.family import UNTYPED

# The samples of these look the same, so each can stand for the others.
_ALIKE = frozenset((b"counter", b"gauge", UNTYPED))


@dataclass(frozen=True, slots=True)
class Types:
    """The rule for types. conflict: ``leave_out``, ``first`` or ``untyped``."""

    conflict: str

    def kind(self, family_type: bytes) -> bytes:
        """Return a type that stands for all that may be served together with it."""
        together = self.conflict != "leave_out" and family_type in _ALIKE
        return UNTYPED if together else family_type

    def served(self, types: Iterable[bytes]) -> bytes:
        """Return the type that families of one kind are served under.

        types: theirs, in the order in which they came.
        """
        first, *others = dict.fromkeys(types)
        return UNTYPED if others and self.conflict == "untyped" else first
