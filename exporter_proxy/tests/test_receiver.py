"""Pushing over real sockets: how messages may arrive, and how their senders may go."""

import socket
import struct
import subprocess
from contextlib import ExitStack
from functools import partial

import pytest

from exporter_proxy.config.values import Lifetime
from exporter_proxy.tests.receiving import Receiving, as_capnp, as_json
from exporter_proxy.tests.running import wait_until


@pytest.mark.parametrize("body", ["shop_a 1\nshop_b 2\n", ["shop_a 1", "shop_b 2"]])
def test_netcat_pushes_and_is_gone_at_once(receiving: Receiving, body: object):
    subprocess.run(
        ["nc", "-q", "0", "127.0.0.1", str(receiving.tcp_port)],
        input=as_json(shop=body),
        check=True,
        timeout=5,
    )

    wait_until(lambda: receiving.served() == ["shop_a 1", "shop_b 2"])


def test_netcat_pushes_to_the_unix_socket(receiving: Receiving):
    subprocess.run(
        ["nc", "-N", "-U", str(receiving.unix_socket)],
        input=as_json(shop="shop_a 1"),
        check=True,
        timeout=5,
    )

    wait_until(lambda: receiving.served() == ["shop_a 1"])
    shop = receiving.of("shop")
    assert (shop.channel, shop.source) == ("json", str(receiving.unix_socket))


def test_a_client_that_half_closes_is_told_nothing(receiving: Receiving):
    assert receiving.push(as_json(shop="shop_a 1")) == b""

    assert receiving.served() == ["shop_a 1"]


def test_a_client_that_stays_is_heard_at_once_and_again(receiving: Receiving):
    with receiving.tcp() as connection:
        for line in ("shop_a 1", "shop_a 2", "shop_a 3"):
            connection.sendall(as_json(shop=line))
            wait_until(partial(receiving.serves, line))
        assert receiving.open_connections() == 1

    wait_until(lambda: receiving.open_connections() == 0)


@pytest.mark.parametrize(
    "data", [as_json(shop="shop_a 1"), as_json(shop="shop_a 1") + b"\n", b"\n"]
)
def test_a_client_may_reset_after_its_message(receiving: Receiving, data: bytes):
    with receiving.tcp() as connection:
        connection.sendall(data + as_json(mailer="mailer_a 1"))
        wait_until(lambda: "mailer_a 1" in receiving.served())
        reset(connection)

    wait_until(lambda: receiving.dropped("reset") == 1)
    assert "mailer_a 1" in receiving.served()


def reset(connection: socket.socket) -> None:
    """Let the connection end by a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "data", [as_json(shop="shop_a 1"), as_capnp("shop", "shop_a 1")]
)
def test_a_message_may_arrive_byte_by_byte(receiving: Receiving, data: bytes):
    with receiving.tcp() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            connection.sendall(bytes([byte]))
        wait_until(lambda: receiving.served() == ["shop_a 1"])


def test_a_large_message_arrives_in_pieces(receiving: Receiving):
    lines = [f'shop_a{{n="{n}"}} {n}' for n in range(5_000)]
    data = as_json(shop=lines)
    with receiving.tcp() as connection:
        for start in range(0, len(data), 5_000):
            connection.sendall(data[start : start + 5_000])
        wait_until(lambda: len(receiving.served()) == 5_000)


def test_many_messages_of_both_formats_are_taken_in_their_order(receiving: Receiving):
    stream = [as_json(shop=f"shop_a {n}", mailer=[f"mail_a {n}"]) for n in range(500)]
    receiving.push(b"\n".join(stream))
    receiving.push(b"".join(as_capnp("backup", f"backup_a {n}") for n in range(500)))

    assert receiving.served() == ["backup_a 499", "mail_a 499", "shop_a 499"]
    assert receiving.of("backup").channel == "capnp"


def test_a_sender_says_how_long_its_data_counts(receiving: Receiving):
    receiving.push(as_json(shop={"metrics": ["shop_a 1"], "ttl": "5x"}))

    assert receiving.served() == ["shop_a 1"]
    assert receiving.of("shop").lifetime == Lifetime(intervals=5)


def test_several_connections_do_not_mix(receiving: Receiving):
    with ExitStack() as opened:
        clients = [opened.enter_context(receiving.tcp()) for _ in range(20)]
        messages = [as_json(**{f"app{n}": f"app{n}_a {n}"}) for n in range(20)]
        for at in range(max(map(len, messages))):
            for client, message in zip(clients, messages, strict=True):
                client.sendall(message[at : at + 1])
        wait_until(lambda: len(receiving.served()) == 20)

    assert sorted(receiving.served()) == sorted(f"app{n}_a {n}" for n in range(20))
