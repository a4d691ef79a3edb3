"""Who is at the other end, and in which networks."""

import ipaddress
import os
import socket
from ipaddress import ip_network

import pytest

from exporter_proxy.push.peers import Peer, tcp_peer, unix_peer


def at(text: str) -> Peer:
    return Peer("tcp", text, address=ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("address", "networks", "is_in"),
    [
        ("10.1.2.3", ["0.0.0.0/0", "::/0"], True),
        ("fe80::1%eth0", ["0.0.0.0/0", "::/0"], True),
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["192.168.0.0/16", "10.1.2.3/32"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("::1", ["10.0.0.0/8"], False),
        ("::1", ["::/0"], True),
        ("10.1.2.3", ["::/0"], False),
        ("fe80::1%eth0", ["fe80::/10"], True),
    ],
)
def test_networks_contain_addresses(address: str, networks: list[str], is_in: bool):
    assert at(address).is_in([ip_network(each) for each in networks]) == is_in


def test_networks_say_nothing_of_the_unix_socket():
    assert Peer("unix", "/run/x.sock").is_in([ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.1.2.3", "10.1.2.0/24"), ("2001:db8::1:2", "2001:db8::/64")],
)
def test_peers_are_told_by_their_network(address: str, network: str):
    assert at(address).network() == network


class Client(socket.socket):
    """A socket that is connected from anywhere."""

    def __init__(self, name: tuple[object, ...]) -> None:
        super().__init__()
        self.name = name

    def getpeername(self) -> tuple[object, ...]:
        return self.name


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (("10.1.2.3", 5000), "10.1.2.3:5000"),
        (("::1", 5000, 0, 0), "[::1]:5000"),
        (("::ffff:10.1.2.3", 5000, 0, 0), "10.1.2.3:5000"),
    ],
)
def test_an_ipv4_address_is_one_also_through_an_ipv6_socket(
    name: tuple[object, ...], source: str
):
    with Client(name) as client:
        peer = tcp_peer(client)

    assert peer.source == source
    assert peer.is_in([ip_network("10.0.0.0/8")]) == ("10." in source)


def test_the_kernel_says_who_is_at_a_unix_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert unix_peer(ours, "/run/x.sock") == Peer(
            "unix", "/run/x.sock", user_id=os.getuid()
        )
