import ipaddress
import struct
import subprocess
from itertools import product
from pathlib import Path

from interceptor.command import capture_command, connection_filter
from interceptor.connection import parse

ACK, SYN = 0x10, 0x02
SOURCE = {4: "192.0.2.1", 6: "2001:db8::1"}
DESTINATION = {4: "192.0.2.2", 6: "2001:db8::2"}


def frame(version: int, port: int, flags: int, protocol: int = 6) -> bytes:
    """Return an Ethernet frame with a TCP header of these flags."""
    tcp = struct.pack("!HHIIBBHHH", 4000, port, 0, 0, 5 << 4, flags, 8192, 0, 0)
    source = ipaddress.ip_address(SOURCE[version]).packed
    destination = ipaddress.ip_address(DESTINATION[version]).packed
    if version == 4:
        length = 20 + len(tcp)
        start = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, protocol, 0)
    else:
        start = struct.pack("!IHBB", 6 << 28, len(tcp), protocol, 64)
    kind = {4: b"\x08\x00", 6: b"\x86\xdd"}[version]
    return bytes(12) + kind + start + source + destination + tcp


def passed(tmp_path: Path, frames: list[bytes], ports: list[int]) -> list[bytes]:
    """Return the lines that the real tcpdump prints for these frames."""
    capture = struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, content in enumerate(frames):
        capture += struct.pack("!IIII", number, 0, len(content), len(content)) + content
    file = tmp_path / "frames.pcap"
    file.write_bytes(capture)
    return subprocess.run(
        ["tcpdump", "-nn", "-tt", "-r", file, connection_filter(ports)],
        check=True,
        capture_output=True,
    ).stdout.splitlines()


def test_only_syn_without_ack_passes(tmp_path: Path):
    """All 256 combinations of flags, by IPv4 and IPv6: what passes is also parsed."""
    cases = list(product((4, 6), range(256)))
    lines = passed(tmp_path, [frame(ip, 80, flags) for ip, flags in cases], [80, 8080])
    expected = [
        (DESTINATION[version], 80)
        for version, flags in cases
        if flags & SYN and not flags & ACK
    ]
    found = [parse(line) for line in lines]
    assert [connection and connection[1:] for connection in found] == expected


def test_only_the_ports_pass(tmp_path: Path):
    ports = [1, 79, 80, 81, 4000, 8080, 65535]
    frames = [frame(ip, port, SYN) for ip, port in product((4, 6), ports)]
    lines = passed(tmp_path, frames, [80, 65535])
    found = [connection.port for line in lines if (connection := parse(line))]
    assert found == [80, 65535, 80, 65535]


def test_other_protocols_do_not_pass(tmp_path: Path):
    udp, sctp = 17, 132
    frames = [frame(ip, 80, SYN, kind) for ip, kind in product((4, 6), (udp, sctp))]
    assert passed(tmp_path, frames, [80]) == []


def test_every_port_at_once_compiles(tmp_path: Path):
    """A long list of ports is still a filter that tcpdump takes."""
    assert len(passed(tmp_path, [frame(4, 500, SYN)], list(range(1, 1001)))) == 1


def test_command_is_a_list_that_no_shell_reads():
    command = capture_command("eth0", [80])
    assert command[0] == "tcpdump"
    assert command[command.index("-i") + 1] == "eth0"
    assert {"-nn", "-tt", "-l", "--immediate-mode"} <= set(command)
    assert command[-1] == connection_filter([80])
