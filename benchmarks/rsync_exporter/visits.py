"""Sessions as an rsync daemon logs them, each with what it ought to count for.

The shapes are those that rsync 3.5.0 writes.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.rsync_exporter.names import (
    DOWNLOADS,
    UPLOADS,
    Client,
    Module,
    Names,
)

VERSION = "3.5.0"
MEAN_FILES = 8

# Messages that follow each other at once.
type Burst = tuple[str, ...]


class Summary(NamedTuple):
    """What a transfer's end line says, in bytes."""

    sent: int
    received: int
    total_size: int

    def __str__(self) -> str:
        return (
            f"sent {self.sent} bytes  received {self.received} bytes"
            f"  total size {self.total_size}"
        )


class Visit(NamedTuple):
    """One session: what is logged, and what of it is to be counted."""

    bursts: Sequence[Burst]
    outcome: str
    direction: str = "none"
    summary: Summary | None = None
    code: int | None = None
    files: int = 0

    def lines(self) -> int:
        """Return how many lines the daemon writes."""
        return sum(map(len, self.bursts))


type Maker = Callable[[random.Random, Names], Visit]


def module_list(chance: random.Random, names: Names) -> Visit:
    """Return a session that asks what there is."""
    who = chance.choice(names.clients)
    return Visit([(f"connect from {who}", f"module-list request from {who}")], "list")


def unresolved(chance: random.Random, names: Names) -> Visit:
    """Return the same of a client without a name."""
    who = Client("UNKNOWN", chance.choice(names.clients).address)
    lookup = f"name lookup failed for {who.address}: Name or service not known"
    return Visit(
        [(lookup, f"connect from {who}", f"module-list request from {who}")], "list"
    )


def scan(chance: random.Random, names: Names) -> Visit:
    """Return a session that asks for nothing, and of which no end is logged."""
    return Visit([(f"connect from {chance.choice(names.clients)}",)], "expired")


def _pull(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(DOWNLOADS)
    files = _files(chance, names)
    size = sum(length for _, length in files)
    summary = Summary(size + 93 * len(files) + 414, 27 * len(files) + 25, size * 9)
    moved = _moved("send", who, module, files)
    bursts = [_request("on", who, module, files), *moved, (str(summary),)]
    return Visit(bursts, "ok", "pull", summary, files=len(moved))


def _push(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(UPLOADS)
    files = _files(chance, names)
    size = sum(length for _, length in files)
    summary = Summary(23 * len(files) + 40, size + 80 * len(files) + 120, size)
    moved = _moved("recv", who, module, files)
    bursts = [_request("to", who, module, files), *moved, (str(summary),)]
    return Visit(bursts, "ok", "push", summary, files=len(moved))


def _partial(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(DOWNLOADS)
    files = _files(chance, names)
    missing = chance.choice(names.files)
    error = chance.choice(
        (
            f'file has vanished: "{missing}" (in {module.name})',
            f'rsync: [sender] send_files failed to open "{missing}"'
            f" (in {module.name}): Permission denied (13)",
            f'rsync: [sender] link_stat "{missing}" (in {module.name})'
            " failed: No such file or directory (2)",
        )
    )
    summary = Summary(chance.randint(97, 9_999), 8, chance.randint(0, 99_999))
    bursts = [_request("on", who, module, files), (error, str(summary))]
    return Visit(bursts, "partial", "pull", summary)


def _broken_off(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(DOWNLOADS)
    files = _files(chance, names)
    code, why = chance.choice(
        (
            (10, "error in socket IO (code 10) at io.c(949)"),
            (20, "received SIGINT, SIGTERM, or SIGHUP (code 20) at io.c(1892)"),
        )
    )
    summary = Summary(chance.randint(10**6, 10**9), 34, 5_368_709_120)
    moved = _moved("send", who, module, files)
    end = (
        "rsync: [sender] write error: Broken pipe (32)",
        str(summary),
        f"rsync error: {why} [sender={VERSION}]",
    )
    bursts = [_request("on", who, module, files), *moved, end]
    return Visit(bursts, "aborted", "pull", summary, code, len(moved))


def _push_broken_off(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(UPLOADS)
    end = (
        "rsync: connection unexpectedly closed (53 bytes received so far) [generator]",
        "rsync error: error in rsync protocol data stream (code 12) at io.c(285)"
        f" [generator={VERSION}]",
    )
    bursts = [_request("to", who, module, _files(chance, names)), end]
    return Visit(bursts, "aborted", "push", code=12)


def _timeout(chance: random.Random, names: Names) -> Visit:
    who, module = chance.choice(names.clients), chance.choice(DOWNLOADS)
    summary = Summary(chance.randint(10**6, 10**8), 42, 5_368_709_120)
    end = (
        "[sender] io timeout after 600 seconds -- exiting",
        str(summary),
        "rsync error: timeout in data send/receive (code 30) at io.c(248)"
        f" [sender={VERSION}]",
    )
    bursts = [_request("on", who, module, _files(chance, names)), end]
    return Visit(bursts, "timeout", "pull", summary, 30)


def _refused(chance: random.Random, names: Names) -> Visit:
    who = chance.choice(names.clients)
    burst = (
        *_allowed(who, "debian"),
        f"rsync to debian/ from {who}",
        "ERROR: module is read only",
        f"rsync error: syntax or usage error (code 1) at main.c(1185)"
        f" [Receiver={VERSION}]",
    )
    return Visit([burst], "refused", "push", code=1)


def _auth_failed(chance: random.Random, names: Names) -> Visit:
    who = chance.choice(names.clients)
    reason = chance.choice(("password mismatch", "no matching rule"))
    failed = f"auth failed on module backup from {who} for root: {reason}"
    return Visit([(*_allowed(who, "backup"), failed)], "auth_failed")


def _full(chance: random.Random, names: Names) -> Visit:
    who = chance.choice(names.clients)
    return Visit(
        [(*_allowed(who, "iso"), "max connections (50) reached")], "max_connections"
    )


def _denied(chance: random.Random, names: Names) -> Visit:
    who = chance.choice(names.clients)
    burst = (f"connect from {who}", f"rsync denied on module incoming from {who}")
    return Visit([burst], "denied")


def _unknown_module(chance: random.Random, names: Names) -> Visit:
    who, tried = chance.choice(names.clients), chance.randint(1, 99)
    burst = (f"connect from {who}", f"unknown module 'data{tried}' tried from {who}")
    return Visit([burst], "unknown_module")


# Each kind of session, and how often it comes among a thousand.
KINDS: dict[Maker, int] = {
    _pull: 620,
    _push: 130,
    module_list: 60,
    unresolved: 10,
    _partial: 40,
    _broken_off: 30,
    _push_broken_off: 10,
    _timeout: 10,
    _refused: 10,
    _auth_failed: 20,
    _full: 30,
    _denied: 10,
    _unknown_module: 20,
}


def open_pull(chance: random.Random, names: Names) -> Visit:
    """Return a pull that has only just begun."""
    who, module = chance.choice(names.clients), chance.choice(DOWNLOADS)
    return Visit([_request("on", who, module, _files(chance, names))], "", "pull")


def _files(chance: random.Random, names: Names) -> list[tuple[str, int]]:
    count = 1 + int(chance.expovariate(1 / MEAN_FILES))
    first, length = chance.randrange(len(names.files)), chance.randint(1, 500_000)
    chosen = names.files[first : first + count] or names.files[:1]
    return [(name, length + number) for number, name in enumerate(chosen)]


def _allowed(who: Client, module: str) -> Burst:
    return (
        f"connect from {who}",
        f"rsync allowed access on module {module} from {who}",
    )


def _request(
    word: str, who: Client, module: Module, files: list[tuple[str, int]]
) -> Burst:
    path = "" if len(files) > 1 else files[0][0]
    return (
        *_allowed(who, module.name),
        f"rsync {word} {module.name}/{path} from {who}",
        "building file list" if word == "on" else "receiving file list",
    )


def _moved(
    operation: str, who: Client, module: Module, files: list[tuple[str, int]]
) -> list[Burst]:
    if not module.transfer_logging:
        return []
    start = f"{operation} {who.host} [{who.address}] {module.name} ()"
    return [(f"{start} {name} {length}",) for name, length in files]
