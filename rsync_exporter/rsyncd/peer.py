"""Who is at the other end: what rsyncd writes behind ``from``.

Names that users choose may hold the same words, so it is what a message ends with.
"""

import re

_PEER = re.compile(rb"[^ ]++ \([^ ()]++\)")


def ends_with_peer(message: bytes) -> bool:
    """Return whether ``from HOST (ADDRESS)`` ends it; a user may be named, too."""
    place = message.rfind(b" from ")
    return place >= 0 and _PEER.fullmatch(message, place + 6) is not None


def ends_with(message: bytes, peer: bytes) -> bool:
    """Return whether a message ends with a peer that is known.

    By another name at the same address, too: each module may look names up or not.
    """
    if message.endswith(b" from " + peer):
        return True
    return ends_with_peer(message) and message.endswith(b" (%b)" % address_of(peer))


def address_of(peer: bytes) -> bytes:
    """Return a peer's address; of an old log's, that is all."""
    return peer.rpartition(b" (")[2].removesuffix(b")")
