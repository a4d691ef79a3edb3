"""The sockets that clients come in by, and how they are accepted."""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from exporter_proxy.config.sections import Receiver
from exporter_proxy.push.peers import Peer, tcp_peer, unix_peer
from exporter_proxy.push.sockets import tcp_sockets, unix_socket
from exporter_proxy.told import Told
from servicekit import ServiceFailed

log = logging.getLogger(__name__)

# For so long nobody is accepted when the system has no room for another connection.
NO_ROOM_SECONDS = 0.5


class Door(NamedTuple):
    """A listening socket, and how to learn who comes in by it."""

    listening: socket.socket
    peer_of: Callable[[socket.socket], Peer]


@contextmanager
def open_doors(config: Receiver) -> Iterator[list[Door]]:
    """Yield the doors that the configuration asks for. Raises ServiceFailed."""
    found: list[Door] = []
    with ExitStack() as opened:
        if config.receive_on_tcp_socket:
            address = config.receiver_tcp_socket
            with listening_on("receiver.receiver_tcp_socket", address):
                listening = opened.enter_context(tcp_sockets(address))
            found.extend(Door(each, tcp_peer) for each in listening)
        if config.receive_on_unix_socket:
            path = str(config.receiver_unix_socket)
            with listening_on("receiver.receiver_unix_socket", path):
                bound = opened.enter_context(unix_socket(config))
            found.append(Door(bound, partial(unix_peer, path=path)))
        yield found


async def accept(
    door: Door,
    welcome: Callable[[socket.socket, Door], Coroutine[None, None, None]],
    told: Told,
) -> None:
    """Welcome whoever comes, until cancelled; who is there then is cancelled, too.

    Clients' sockets are closed when they were attended to.
    """
    door.listening.setblocking(False)
    loop = asyncio.get_running_loop()
    clients: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                client, _ = await loop.sock_accept(door.listening)
            except OSError as error:
                await _recover(error, told)
                continue
            task = loop.create_task(welcome(client, door))
            clients.add(task)
            task.add_done_callback(clients.discard)
            task.add_done_callback(partial(_close, client))
    finally:
        await end(clients)


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _close(client: socket.socket, _: object) -> None:
    client.close()


async def _recover(error: OSError, told: Told) -> None:
    if isinstance(error, ConnectionError):
        return  # the client's own end
    if told.is_due(error.errno):
        log.warning("cannot accept a connection error=%s", error)
    await asyncio.sleep(NO_ROOM_SECONDS)


@contextmanager
def listening_on(key: str, where: object) -> Iterator[None]:
    """Raise ServiceFailed, naming the key, when the block cannot open what it says."""
    try:
        yield
    except OSError as error:
        raise ServiceFailed(f"{key}: cannot listen on {where}: {error}") from error
