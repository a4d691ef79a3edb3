"""Which client networks have a label, and that every byte counts once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.sessions.networks import Networks, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("no address", "other"),
    ],
)
def test_networks(address: str, network: str):
    assert network_of(address) == network


def test_only_the_heaviest_networks_have_a_label():
    networks = Networks(most=2)
    for number in range(10):
        networks.add(f"198.51.{number}.1", 100, 1)
    networks.add("203.0.113.5", 1_000, 1)
    networks.add("203.0.113.6", 1_000, 1)
    labels = {label for label, _ in networks.bytes}
    assert labels == {"198.51.1.0/24", "203.0.113.0/24", "other"}
    assert networks.bytes["203.0.113.0/24", "sent"] == 2_000
    assert networks.bytes["other", "sent"] == 800


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10_000)), max_size=100),
    st.integers(1, 5),
)
def test_every_byte_counts_once(moves: list[tuple[int, int]], most: int):
    networks, rises = Networks(most), 0
    for number, moved in moves:
        before = networks.bytes.copy()
        networks.add(f"198.51.{number}.1", moved, 0)
        rises += sum(
            networks.bytes[key] - before[key]
            for key in networks.bytes
            if key[1] == "sent"
        )
    assert rises == sum(moved for _, moved in moves)
    assert len({label for label, _ in networks.bytes} - {"other"}) <= most
