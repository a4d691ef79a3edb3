"""Whether messages have the ends that rsyncd gives them.

What a user names can hold a newline, and then the message goes on in the next line.
"""

from rsync_exporter.rsyncd.events import FileLine, Requested, Unended, UnknownModule
from rsync_exporter.rsyncd.known import KnownSession
from rsync_exporter.rsyncd.length_ends import LengthEnds
from rsync_exporter.rsyncd.messages import Reading
from rsync_exporter.rsyncd.peer import ends_with, ends_with_peer


class Ends:
    """Judges the messages of one file.

    lengths: whether lines about files end in a length.
    """

    def __init__(self, lengths: LengthEnds) -> None:
        self.lengths = lengths

    def judge(
        self, event: Reading, message: bytes, session: KnownSession | None
    ) -> Reading:
        """Return what a message means; Unended where its end is missing.

        session: whose message it is, if that is known.
        """
        if type(event) is FileLine:
            return Unended(event) if self.lengths.lacks(message) else event
        if type(event) is Requested or type(event) is UnknownModule:
            return event if _names_peer(message, session) else Unended(event)
        return event

    def judge_joined(
        self, event: Reading, message: bytes, session: KnownSession | None
    ) -> Reading:
        """Judge a message of several lines, which is no example for others."""
        if type(event) is FileLine:
            return event if self.lengths.may_end(message) else Unended(event)
        return self.judge(event, message, session)


def _names_peer(message: bytes, session: KnownSession | None) -> bool:
    if session and session.ended is None:
        return ends_with(message, session.peer)
    return ends_with_peer(message)
