import re
import subprocess
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from interceptor.connection import Connection, parse

DATA = Path(__file__).parent / "data"
SAMPLES = (DATA / "tcpdump_samples.txt").read_bytes().splitlines(keepends=True)
SYN = b"Flags [S], seq 0, win 8192, length 0\n"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def line(
    middle: bytes, *, time: bytes = b"1795262400.000000", rest: bytes = SYN
) -> bytes:
    return time + b" " + middle + b": " + rest


def with_epoch(recorded: bytes) -> bytes:
    """Return a line recorded with -tttt (in UTC) as -tt would have printed it."""
    date = re.match(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+ .*)", recorded, re.DOTALL)
    if date is None:
        return recorded
    seconds = datetime.fromisoformat(f"{date[1].decode()}+00:00").timestamp()
    return b"%d" % seconds + date[2]


def test_ipv4():
    assert parse(line(b"IP 10.0.0.1.4000 > 10.0.0.2.80")) == (NOON, "10.0.0.2", 80)


def test_ipv6():
    assert parse(line(b"IP6 fd00::1.4000 > fd00::2.8080")) == (NOON, "fd00::2", 8080)


def test_ipv4_within_ipv6():
    found = parse(line(b"IP6 ::1.4000 > ::ffff:10.0.0.2.80"))
    assert found == (NOON, "::ffff:10.0.0.2", 80)


def test_interface_and_direction_of_a_capture_on_any():
    expected = (NOON, "10.0.0.2", 80)
    assert parse(line(b"lo    In  IP 10.0.0.1.1 > 10.0.0.2.80")) == expected
    assert parse(line(b"eth0  Out IP 10.0.0.1.1 > 10.0.0.2.80")) == expected
    assert parse(line(b"br-1a2b3c4d5e6f P   IP 10.0.0.1.1 > 10.0.0.2.80")) == expected


def test_time_is_the_packets_own_in_utc():
    found = parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.80", time=b"1795294255.664093"))
    assert found is not None
    assert found.time == datetime(2026, 11, 21, 20, 50, 55, 664093, tzinfo=UTC)


def test_nanoseconds_are_cut():
    found = parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.80", time=b"1795294255.664093999"))
    assert found is not None
    assert found.time.microsecond == 664093


def test_recorded_lines():
    """Every opening of a connection is found, whatever options printed it."""
    found = [parse(with_epoch(recorded)) for recorded in SAMPLES]
    # Told apart without the parser's grammar. Left out is what "-e" and "-v" print
    # between time and addresses, IPv6 extension headers, and times without a date.
    expected = [
        recorded
        for recorded in SAMPLES
        if re.match(rb"(2026-|17).*Flags \[S(EW)?\],", recorded)
        and not re.search(rb"ethertype|\(flowlabel|DSTOPT", recorded)
    ]
    assert sum(connection is not None for connection in found) == len(expected) == 26
    assert {connection[1:] for connection in found if connection} == {
        ("127.0.0.1", 8098),
        ("127.0.0.1", 8099),
        ("::1", 8099),
        ("10.0.0.2", 80),
        ("fd00::2", 80),
        ("fe80::1", 443),
    }


def test_odd_frames_are_read_or_left_by_themselves():
    """VLAN and ECN do no harm; ICMP, fragments, UDP, SCTP, RST, ARP do not count."""
    printed = subprocess.run(
        ["tcpdump", "-nn", "-tt", "-r", DATA / "tcpdump_odd_frames.pcap"],
        check=True,
        capture_output=True,
    ).stdout.splitlines()
    assert len(printed) == 10
    found = [connection for connection in map(parse, printed) if connection]
    assert [connection[1:] for connection in found] == [
        ("10.0.0.2", 80),
        ("fd00::2", 80),
        ("fe80::1", 443),
    ]


def test_answers_and_data_are_no_new_connection():
    for flags in (b"[S.]", b"[.]", b"[P.]", b"[F.]", b"[R]", b"[none]", b"[SW.]"):
        assert (
            parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.80", rest=b"Flags " + flags)) is None
        )


def test_out_of_range():
    assert parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.65536")) is None
    assert parse(line(b"IP 10.0.0.1.1 > 10.0.0.256.80")) is None
    assert parse(line(b"IP 10.0.0.1.1 > fd00::2.80")) is None
    assert parse(line(b"IP6 fd00::1.1 > fd00:::2.80")) is None


def test_a_packets_content_cannot_pose_as_a_line():
    real = line(b"IP 10.0.0.1.1 > 10.0.0.2.80")
    assert parse(b" " + real) is None
    assert (
        parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.80", rest=b"UDP: HTTP: " + real)) is None
    )
    assert parse(line(b"IP 10.0.0.1.1 > 10.0.0.2.80", rest=SYN + real)) == parse(real)


@given(st.binary())
@example(b"")
@example(b"1.000000 IP . > .1: Flags [S]")
@example(b"9999999999.999999 IP 1.1.1.1.1 > 1.1.1.1.1: Flags [S]")
def test_any_bytes_are_survived(noise: bytes):
    assert parse(noise) is None or isinstance(parse(noise), Connection)


@given(st.sampled_from(SAMPLES), st.integers(0, 200), st.binary(max_size=8), st.data())
def test_a_damaged_line_is_survived(
    recorded: bytes, at: int, noise: bytes, data: st.DataObject
):
    cut = data.draw(st.integers(0, 8))
    damaged = with_epoch(recorded)[:at] + noise + with_epoch(recorded)[at + cut :]
    found = parse(damaged)
    assert found is None or 0 <= found.port <= 65535


@given(
    st.integers(0, 2**33),
    st.integers(0, 999_999),
    st.ip_addresses(),
    st.integers(0, 65535),
)
def test_what_is_printed_is_read(
    seconds: int, microseconds: int, address: IPv4Address | IPv6Address, port: int
):
    time = b"%d.%06d" % (seconds, microseconds)
    family = "IP6" if address.version == 6 else "IP"
    middle = f"{family} {address}.1 > {address}.{port}"
    found = parse(line(middle.encode(), time=time))
    assert found is not None
    assert found.time == datetime.fromtimestamp(seconds, UTC).replace(
        microsecond=microseconds
    )
    assert found[1:] == (str(address), port)
