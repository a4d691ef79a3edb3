"""The sockets that applications push to."""

import logging
import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from exporter_proxy.config import Address
from exporter_proxy.config.sections import Receiver

log = logging.getLogger(__name__)

# Files for polling and for all the rest: at most half of those there may be.
RESERVED_FILES = 512

# HTTP gets room for so many connections before the receivers get more than that.
HTTP_CONNECTIONS = 2048

# How many clients may wait to be accepted; the kernel may allow fewer.
BACKLOG = 4096


@contextmanager
def tcp_sockets(address: Address) -> Iterator[tuple[socket.socket, ...]]:
    """Yield a listening socket for each address of a host.

    The one for ``::`` takes IPv4 as well. Raises OSError.
    """
    found = socket.getaddrinfo(
        *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    places = dict.fromkeys((family, place) for family, *_, place in found)
    with ExitStack() as opened:
        yield tuple(
            opened.enter_context(
                socket.create_server(
                    place[:2],
                    family=family,
                    backlog=BACKLOG,
                    dualstack_ipv6=place[0] == "::" and socket.has_dualstack_ipv6(),
                )
            )
            for family, place in places
        )


@contextmanager
def unix_socket(config: Receiver) -> Iterator[socket.socket]:
    """Yield the listening Unix socket with its owner set; it is removed afterwards.

    Nobody can connect before it listens, so none gets in before its mode is set.
    Raises OSError.
    """
    path = config.receiver_unix_socket
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.bind(str(path))
        try:
            os.chown(path, config.unix_socket_user, config.unix_socket_group)
            path.chmod(config.unix_socket_mode)
            bound.listen(BACKLOG)
            yield bound
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody answers any more; never anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise FileExistsError(f"{path} is in use by another process")


class Room(NamedTuple):
    """How many connections may be open at once."""

    receivers: int
    http: int


def allow_connections(wanted: int) -> Room:
    """Let the process open enough files for so many connections of each kind.

    Returns how many there is room for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(max(soft, 2 * wanted + RESERVED_FILES), hard)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    room = share(files, wanted)
    if min(room) < wanted:
        log.warning(
            "the limit of open files allows fewer connections "
            "wanted=%d receivers=%d http=%d",
            wanted,
            *room,
        )
    return room


def share(files: int, wanted: int) -> Room:
    """Return how many connections there is room for with so many files."""
    available = max(files - RESERVED_FILES, files // 2, 2)
    http = min(wanted, HTTP_CONNECTIONS, available // 2)
    receivers = min(wanted, available - http)
    return Room(receivers, min(wanted, available - receivers))
