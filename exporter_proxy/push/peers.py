"""Who is at the other end of a connection, and whether it is let in."""

import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from exporter_proxy.config import Address
from exporter_proxy.config.values import Network

type IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What counts as one network where peers are told together.
_PREFIX_LENGTHS = {4: 24, 6: 64}

# Source: unix(7), SO_PEERCRED: struct ucred has the numbers of process, user and group.
_CREDENTIALS = struct.Struct("iII")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who pushes.

    socket: ``tcp`` or ``unix``.
    source: as it is shown: its address, or the path of the Unix socket.
    user_id: who runs it; known of Unix sockets only.
    address: where it is; known of TCP only.
    """

    socket: str
    source: str
    user_id: int | None = None
    address: IpAddress | None = None

    def is_in(self, networks: Sequence[Network]) -> bool:
        """Return whether one of the networks contains it, or it is on this machine."""
        if self.address is None:
            return True
        return any(self.address in network for network in networks)

    def network(self) -> str:
        """Return the network that it is counted to where many are told as one."""
        if self.address is None:
            return self.source
        length = _PREFIX_LENGTHS[self.address.version]
        return str(ipaddress.ip_network((self.address.packed, length), strict=False))


def tcp_peer(client: socket.socket) -> Peer:
    """Return who a client of the TCP socket is. Raises OSError when it left already.

    An IPv4 address that an IPv6 socket shows as its own is an IPv4 address.
    """
    host, port, *_ = client.getpeername()
    address = ipaddress.ip_address(host)
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped:
        address = mapped
    return Peer("tcp", str(Address(str(address), port)), address=address)


def unix_peer(client: socket.socket, path: str) -> Peer:
    """Return who a client of the Unix socket is, as the kernel knows it."""
    known = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Peer("unix", path, user_id=_CREDENTIALS.unpack(known)[1])
