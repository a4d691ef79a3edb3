"""A row of the table of what is done to a daemon, and the words of such rows."""

import os
from dataclasses import dataclass

from rsync_exporter.tests.acts import FILES, LETTER_BYTES, Act
from rsync_exporter.tests.daemon import Settings
from rsync_exporter.tests.says import Says


@dataclass(frozen=True)
class Scenario:
    """What is done to a module with some settings, and what must be said of it.

    settings: ``{folder}`` in them is the daemon's folder.
    """

    name: str
    settings: Settings
    act: Act
    says: Says


def says(*sessions: str, **claims: object) -> Says:
    """Return claims about these sessions."""
    return Says(sessions, **claims)  # type: ignore[arg-type] # named in each row


def files(*names: str) -> tuple[int, int]:
    """Return the number and the bytes of some files of the exercise, or of all."""
    sizes = [FILES[name] for name in names or FILES]
    return len(sizes), sum(sizes)


def pulled(*names: str) -> Says:
    """Return what a pull of these files of the exercise must say, or of all."""
    return says("pull ok", total_size=files(*names)[1], sends=files(*names))


ALL, ALL_BYTES = files()
NO_LARGE = tuple(name for name in FILES if name != "large")
LETTER = (1, LETTER_BYTES)

# As nobody, there is something that the daemon may not read.
NOBODY: Settings = {"uid": "nobody", "gid": "nogroup"} if os.getuid() == 0 else {}
READ: Settings = {"path": "{folder}/exercise"}
HUGE: Settings = {"path": "{folder}/huge"}
OWN: Settings = {}
WRITE: Settings = {"read only": "no"}
AUTH: Settings = {
    "auth users": "alice, bob:deny, carol",
    "secrets file": "{folder}/secrets",
}

ALICE = "alice:wonder"
INTERRUPTED_PULL = "20 signal sender or 10 socket_io sender"
