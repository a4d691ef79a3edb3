"""The sockets that applications push to."""

import logging
import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter_proxy.config.sections import Receiver

log = logging.getLogger(__name__)

RESERVED_FILES = 512

# The owner and the group may push, nobody else.
UNIX_SOCKET_MODE = 0o660


@contextmanager
def unix_socket(config: Receiver) -> Iterator[socket.socket]:
    """Yield the Unix socket, bound and with its owner set; it is removed afterwards.

    Nobody can connect before it listens, so none gets in before its mode is set.
    Raises OSError.
    """
    path = config.receiver_unix_socket
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.bind(str(path))
        try:
            os.chown(path, config.unix_socket_user, config.unix_socket_group)
            path.chmod(UNIX_SOCKET_MODE)
            yield bound
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody answers any more; never anything else."""
    try:
        mode = path.stat().st_mode
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

    Beside the receivers' connections there are those of HTTP and of polling.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(wanted + RESERVED_FILES, hard)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    allowed = max(1, min(wanted, max(soft, limit) - RESERVED_FILES))
    if allowed < wanted:
        log.warning(
            "the limit of open files allows fewer connections wanted=%d allowed=%d",
            wanted,
            allowed,
        )
    return allowed
