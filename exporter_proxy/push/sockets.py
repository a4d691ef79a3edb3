"""The sockets that applications push to."""

import logging
import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from exporter_proxy.config import Address
from exporter_proxy.config.sections import Receiver

log = logging.getLogger(__name__)

# The receivers', and as many to HTTP.
KINDS_OF_CONNECTIONS = 2

# For everything else that is open: the polled targets above all.
# Files for HTTP's connections, for polling and for the rest: at most half of all.
RESERVED_FILES = 2560

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


def allow_connections(wanted: int) -> int:
    """Let the process open enough files; return how many connections that allows.

    wanted: connections of each kind.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(KINDS_OF_CONNECTIONS * wanted + RESERVED_FILES, hard)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    room = (max(soft, limit) - RESERVED_FILES) // KINDS_OF_CONNECTIONS
    allowed = max(1, min(wanted, room))
    if allowed < wanted:
        log.warning(
            "the limit of open files allows fewer connections wanted=%d allowed=%d",
            wanted,
            allowed,
        )
    return allowed
