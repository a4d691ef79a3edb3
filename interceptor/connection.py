"""A line of tcpdump's output as the connection that it tells of."""

import re
import socket
from datetime import UTC, datetime
from typing import NamedTuple

# As printed with -nn -tt; "-i any" adds the interface and the direction. The flags hold
# SYN and no "." for ACK. Anchored at the start, and not read behind the flags, where a
# packet's content may end up.
_LINE = re.compile(
    rb"(\d{1,10})\.(\d{6})\d{0,3} (?:\S+ +(?:In|Out|M|B|P|\?) +)?(IP6?) "
    rb"[0-9A-Fa-f:.]+\.\d{1,5} > ([0-9A-Fa-f:.]{2,45})\.(\d{1,5}): "
    rb"Flags \[[^].]*S[^].]*\]"
)
_FAMILIES = {b"IP": socket.AF_INET, b"IP6": socket.AF_INET6}
_MAXIMUM_PORT = 65535


class Connection(NamedTuple):
    """An attempt to connect: when its packet was seen (UTC), and to where."""

    time: datetime
    host: str
    port: int


def parse(line: bytes) -> Connection | None:
    """Return the connection, or None when the line does not tell of a new one."""
    match = _LINE.match(line)
    if match is None:
        return None
    seconds, microseconds, family, host, port = match.groups()
    if int(port) > _MAXIMUM_PORT or not _is_address(_FAMILIES[family], host):
        return None
    time = datetime.fromtimestamp(int(seconds), UTC)
    return Connection(
        time.replace(microsecond=int(microseconds)), host.decode("ascii"), int(port)
    )


def _is_address(family: socket.AddressFamily, text: bytes) -> bool:
    try:
        socket.inet_pton(family, text.decode("ascii"))
    except OSError:
        return False
    return True
