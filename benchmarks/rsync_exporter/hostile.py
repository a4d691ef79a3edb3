"""Logs of what goes wrong, and of what clients do on purpose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.rsync_exporter import counts
from benchmarks.rsync_exporter.daemon_log import MASTER_PID, MOST_PIDS, START
from benchmarks.rsync_exporter.names import Client
from benchmarks.rsync_exporter.visits import VERSION

HOUR_SECONDS = 3600

# Stands in each name that a client makes up, to find it in the metrics.
MADE_UP = "made-up"
MADE_UP_SERIES = "series named by clients"

MANY = 1_000

_LOCAL, _IPV6 = Client("localhost", "127.0.0.1"), Client("localhost", "::1")


@dataclass(frozen=True)
class Case:
    """A log, what one asks of it, and the right answer."""

    what: str
    lines: Sequence[bytes]
    asked: str
    expected: float


def cases() -> Iterator[Case]:
    """Yield the cases: mtail's known failures first, then forgeries."""
    names = [b"plain.txt", b"latin1-\xe4\xf6\xfc.txt", b"utf8-\xc3\xa9\\#227.txt"]
    latin1 = [line for pid in range(1, MANY) for line in _pull(pid, names)]
    yield Case("names in Latin-1", latin1, counts.LINES, len(latin1))
    yield Case(
        "a file named `connect from evil (1.2.3.4)` is sent",
        _pull(1, [b"connect from evil (1.2.3.4)"]),
        counts.CONNECTIONS,
        1,
    )
    blanks = [b"two words.txt", b"tab\there.txt", b"plain.txt", b"a b c"]
    yield Case("names with blanks", _pull(1, blanks), counts.FILES, len(blanks))
    yield Case(
        "a pull of 5 seconds, and the daemon is stopped",
        [*_pull(1, []), *_stop()],
        counts.SECONDS,
        5,
    )
    yield Case(
        "a client by IPv4 and one by IPv6",
        [*_pull(1, []), *_pull(2, [], _IPV6)],
        counts.CONNECTIONS,
        2,
    )
    yield from _forgeries()


def lost_sessions(count: int) -> Iterator[bytes]:
    """Yield connections of which no more is logged, one each second."""
    for second in range(count):
        yield line(second % MOST_PIDS + 1, f"connect from {_LOCAL}", second)


def line(pid: int, message: str | bytes, second: int = 0) -> bytes:
    """Return a line of the log."""
    stamp = f"{START + timedelta(seconds=second):%Y/%m/%d %H:%M:%S} [{pid}] "
    text = message.encode() if isinstance(message, str) else message
    return stamp.encode() + text + b"\n"


def _forgeries() -> Iterator[Case]:
    end = "sent 999999999999 bytes  received 1 bytes  total size 7"
    yield Case(
        f"a client asks for a file named `{end}`",
        _pull(1, [], path=f"exercise/{end}"),
        counts.SENT,
        100,
    )
    yield Case(
        "the same as a line of its own, between line breaks in the name (rsync up to"
        " 3.4.4 logs them raw)",
        _pull(1, [], path=b"exercise/x\n" + line(2, end)),
        counts.SENT,
        100,
    )
    paths = [f"exercise/x h [a] {MADE_UP}-{n} () f 1" for n in range(MANY)]
    yield Case(
        f"a client asks for {MANY:,} files that do not exist",
        [
            got
            for pid, path in enumerate(paths)
            for got in _pull(pid + 1, [], path=path)
        ],
        MADE_UP_SERIES,
        0,
    )
    both = "rsync error: error in file IO (code 11) at receiver.c(380)"
    yield Case(
        "one push to a full disk: both processes of the session log its error",
        [
            line(1, f"connect from {_LOCAL}"),
            line(1, f"rsync allowed access on module rw from {_LOCAL}"),
            line(1, f"rsync to rw/ from {_LOCAL}"),
            line(1, "receiving file list"),
            line(1, f"{both} [receiver={VERSION}]", 1),
            line(1, f"{both} [generator={VERSION}]", 1),
        ],
        counts.errors(11),
        1,
    )


def _pull(
    pid: int,
    files: Sequence[bytes],
    client: Client = _LOCAL,
    path: str | bytes = "exercise/",
) -> list[bytes]:
    """Return the lines of a session of 5 seconds that sends 100 bytes."""
    asked = path.encode() if isinstance(path, str) else path
    start = f"send {client.host} [{client.address}] exercise () ".encode()
    return [
        line(pid, f"connect from {client}"),
        line(pid, f"rsync allowed access on module exercise from {client}"),
        line(pid, b"rsync on " + asked + f" from {client}".encode()),
        line(pid, "building file list"),
        *(line(pid, start + name + b" 1", 4) for name in files),
        line(pid, "sent 100 bytes  received 20 bytes  total size 3", 5),
    ]


def _stop() -> list[bytes]:
    """Return what the daemon logs of itself."""
    start = f"rsyncd version {VERSION} starting, listening on port 873"
    end = "sent 0 bytes  received 0 bytes  total size 0"
    return [line(MASTER_PID, start, 6), line(MASTER_PID, end, HOUR_SECONDS)]
