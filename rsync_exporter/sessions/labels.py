"""Label values that outsiders have a say in: bounded, and the surplus counted."""

from collections.abc import Iterable

from rsync_exporter.rsyncd.escapes import unescape

OTHER = "other"


class ModuleLabels:
    """The names of modules, as labels.

    Names from rsyncd.conf always have one; of others, the first so many.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._labels: dict[bytes, str] = {}
        self._seen = 0
        self.overflows = 0

    def configure(self, names: Iterable[str]) -> None:
        """Know these names from now on, whatever the maximum."""
        for name in names:
            self._labels[name.encode("utf-8", "surrogateescape")] = _readable(name)

    def of(self, name: bytes) -> str:
        """Return the label of a module, by its name as it was logged."""
        label = self._labels.get(name)
        return self._admit(name) if label is None else label

    def _admit(self, logged: bytes) -> str:
        name = unescape(logged)
        if name in self._labels:
            return self._labels[name]
        if self._seen >= self._maximum:
            self.overflows += 1
            return OTHER
        self._seen += 1
        self._labels[name] = name.decode("utf-8", "replace")
        return self._labels[name]

    def state(self) -> list[str]:
        """Return the names seen, for a checkpoint."""
        return [name.decode("latin-1") for name in self._labels]

    def restore(self, names: Iterable[str]) -> None:
        """Know the names again that were seen."""
        for name in names:
            if name.encode("latin-1") not in self._labels:
                self._admit(name.encode("latin-1"))


def _readable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
