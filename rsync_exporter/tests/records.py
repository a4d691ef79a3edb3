"""Records as the daemon writes them, and as somebody may put them into a name."""

from collections.abc import Iterator

MIB = 1 << 20
MESSAGE_BYTES = 2047

# A session that goes well.
CONNECT = b"connect from h (1.2.3.4)"
ALLOWED = b"rsync allowed access on module m from h (1.2.3.4)"
REQUEST = b"rsync on m/x from h (1.2.3.4)"
SUMMARY = b"sent 100 bytes  received 10 bytes  total size 1000"

# What somebody may want to be taken for the daemon's.
HUGE = b"sent 999999999999 bytes  received 999999999999 bytes  total size 7"
FORGED = (
    HUGE,
    b"connect from evil (9.9.9.9)",
    b"rsync allowed access on module evil from h (1.2.3.4)",
    b"rsync on evil/x from h (1.2.3.4)",
    b"rsync error: error in file IO (code 11) at main.c(1) [sender=3.2.7]",
    b"auth failed on module evil from h (1.2.3.4) for root: password mismatch",
    b"rsyncd version 9.9.9 starting, listening on port 1",
    b"max connections (99) reached",
    b"send h [1.2.3.4] evil () x 999999999999",
    b"name lookup failed for 9.9.9.9: Name or service not known",
)
# Of a day long before that session, of its own, and of one after it.
DATES = (b"2017/09/04 09:55:40", b"2026/11/21 20:55:40", b"2026/11/23 20:55:40")

# Where a client's name stands in a message.
PLACES = (
    b"rsync on m/NAME from h (1.2.3.4)",
    b"rsync to m/NAME from user@h (1.2.3.4)",
    b"send h [1.2.3.4] m () NAME 5",
    b"recv h [1.2.3.4] m () NAME 5",
    b"del. h [1.2.3.4] m () NAME 0",
    b'rsync: [sender] link_stat "NAME" (in m) failed: No such file or directory (2)',
    b'rsync: link_stat "NAME" (in m) failed: No such file or directory (2)',
    b'file has vanished: "NAME" (in m)',
)


def record(
    message: bytes, pid: int = 4321, at: bytes = b"2026/11/21 20:55:40"
) -> bytes:
    """Return a line as the daemon writes it."""
    return b"%b [%d] %b\n" % (at, pid, message)


def session(*messages: bytes, pid: int = 4321) -> bytes:
    """Return the lines of a session with these messages after its first two."""
    return b"".join(record(one, pid) for one in (CONNECT, ALLOWED, *messages))


def in_blocks(log: bytes) -> Iterator[bytes]:
    """Yield a log in pieces as it is read from a disk."""
    for place in range(0, len(log), MIB):
        yield log[place : place + MIB]
