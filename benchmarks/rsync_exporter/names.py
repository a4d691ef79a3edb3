"""Who uses a mirror and what it offers: the words of the made-up log."""

import random
from dataclasses import dataclass
from typing import NamedTuple

CLIENTS = 2_000
FILES = 5_000


class Client(NamedTuple):
    """A host as the daemon's log names it."""

    host: str
    address: str

    def __str__(self) -> str:
        return f"{self.host} ({self.address})"


@dataclass(frozen=True)
class Module:
    """A module of the daemon; transfer_logging: whether each file has a line."""

    name: str
    transfer_logging: bool


DOWNLOADS = (Module("debian", True), Module("ubuntu", False), Module("iso", False))
UPLOADS = (Module("incoming", True), Module("backup", False))


@dataclass(frozen=True)
class Names:
    """What the sessions are about, drawn once.

    Only ASCII, only IPv4 and no blanks: this log is to suit every program.
    """

    clients: tuple[Client, ...]
    files: tuple[str, ...]


def draw(chance: random.Random) -> Names:
    """Return names as long as real ones."""
    return Names(
        tuple(_client(chance, number) for number in range(CLIENTS)),
        tuple(_file(chance, number) for number in range(FILES)),
    )


def _client(chance: random.Random, number: int) -> Client:
    # 198.18.0.0/15 is the network of benchmarks (RFC 2544).
    address = f"198.{chance.randint(18, 19)}.{number // 250}.{number % 250 + 1}"
    named = chance.random() < 0.6
    return Client(f"mirror{number}.example.net" if named else "UNKNOWN", address)


def _file(chance: random.Random, number: int) -> str:
    name = chance.choice(("linux-image", "libreoffice-core", "python3-rsync", "zsh"))
    version = f"{chance.randint(0, 12)}.{chance.randint(0, 40)}-{number}"
    return f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb"
