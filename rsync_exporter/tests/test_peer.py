"""Whether a message ends with who is at the other end."""

import pytest

from rsync_exporter.rsyncd.peer import address_of, ends_with, ends_with_peer

PEER = b"host.example (192.0.2.1)"


@pytest.mark.parametrize(
    "end",
    [b" from host.example (192.0.2.1)", b" from alice@h (::1)", b" from  from h (1)"],
)
def test_messages_that_end_with_a_peer(end: bytes):
    assert ends_with_peer(b"rsync on m/ from x" + end)


@pytest.mark.parametrize(
    "message",
    [
        *(
            b"",
            b"rsync on exercise/new",
            b"rsync to rw/from here",
            b"unknown module 'x",
        ),
        *(
            b"rsync on m/ from h",
            b"rsync on m/ from h (1) ",
            b"rsync on m/ from h (1)x",
        ),
        *(b"rsync on m/ from a b (1)", b"rsync on m/ from h (1 2)", b"rsync on m (1)"),
    ],
)
def test_messages_that_do_not(message: bytes):
    assert not ends_with_peer(message)
    assert not ends_with(message, PEER)


@pytest.mark.parametrize(
    "end",
    [
        b" from host.example (192.0.2.1)",
        b" from alice@host.example (192.0.2.1)",
        b" from UNDETERMINED (192.0.2.1)",  # a module that looks no names up
    ],
)
def test_a_known_peer_by_any_of_its_names(end: bytes):
    assert ends_with(b"rsync on m/" + end, PEER)


@pytest.mark.parametrize(
    "end",
    [
        b" from host.example (192.0.2.2)",
        b"(192.0.2.1)",
        b" at host.example (192.0.2.1)",
    ],
)
def test_others_are_not_that_peer(end: bytes):
    assert not ends_with(b"rsync on m/" + end, PEER)


def test_old_logs_name_an_address_alone():
    assert address_of(b"192.0.2.1") == b"192.0.2.1"
    assert address_of(PEER) == b"192.0.2.1"
    assert ends_with(b"rsync on m/ from h (192.0.2.1)", b"192.0.2.1")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("filler", [b" ", b"(", b" from ", b" from h (1)", b"a", b")"])
def test_a_hostile_message_takes_no_longer_than_its_length(filler: bytes):
    message = b"rsync on m/ from " + filler * (1_000_000 // len(filler))
    for _ in range(5):
        ends_with(message, PEER)
