"""How far a file was read, and how to know it again: by its inode and its content."""

from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Self

from rsync_exporter.tail.log_file import Identity, LogFile

# Log lines begin with a time and a process: few of them tell two files apart.
HEAD_BYTES = 1024
TAIL_BYTES = 256

_NUMBERS = ("device", "inode", "offset", "seen", "size")


def digest(content: bytes) -> str:
    """Return what stands for some bytes in a state, which then shows no log."""
    return blake2b(content, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, as it is kept in a state.

    offset: of the first byte that was not yet handed on in a whole line.
    seen: how far the file was read, thus also into its last, unended line.
    size: of the file when it was last looked at.
    head, tail: digests of the first bytes, and of those before ``seen``.
    """

    device: int
    inode: int
    offset: int = 0
    seen: int = 0
    size: int = 0
    head: str = digest(b"")
    tail: str = digest(b"")

    @classmethod
    def restored(cls, values: dict[str, Any]) -> Self:
        """Return what ``as_dict`` was called on. Raises KeyError or ValueError."""
        device, inode, offset, seen, size = (int(values[name]) for name in _NUMBERS)
        head, tail = str(values["head"]), str(values["tail"])
        return cls(device, inode, offset, seen, size, head, tail)

    def as_dict(self) -> dict[str, Any]:
        """Return something for JSON."""
        return asdict(self)

    @property
    def identity(self) -> Identity:
        """Device and inode."""
        return self.device, self.inode

    def begins(self, file: LogFile) -> bool:
        """Tell whether the file begins as this one did."""
        return digest(file.read_at(0, min(self.seen, HEAD_BYTES))) == self.head

    def continues_in(self, file: LogFile) -> bool:
        """Tell whether what was read last stands at the same place in the file."""
        size = min(self.seen, TAIL_BYTES)
        return digest(file.read_at(self.seen - size, size)) == self.tail
