"""What a reader has to know of sessions, and who takes what it has read."""

from collections.abc import Mapping
from typing import Protocol

from rsync_exporter.rsyncd.alike import Alike
from rsync_exporter.rsyncd.events import Event


class KnownSession(Protocol):
    """What is known of the session that a line may be of.

    peer: the client, with which its request ends.
    ended: None while it goes on.
    alike: what its lines about files begin with; None while there was none.
    """

    peer: bytes
    ended: int | None
    alike: Alike | None


class Sessions[S: KnownSession](Protocol):
    """Takes what the lines say."""

    @property
    def by_pid(self) -> Mapping[bytes, S]:
        """The sessions that are known, by their process."""

    def take(
        self,
        session: S | None,
        time: int | None,
        pid: bytes | None,
        message: bytes,
        event: Event | None,
    ) -> None:
        """Take a record and what it means. It comes in its parts: a tuple costs more.

        session: whose it is, if that is known.
        """

    def take_alike(self, session: S, time: int | None, message: bytes) -> bool:
        """Take a line about a file that begins as the session's; return whether so."""
