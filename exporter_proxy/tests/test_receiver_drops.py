"""Who has to go: the silent, the slow, and whoever takes the room of others."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter_proxy.tests.receiving import Receive, Receiving, as_capnp, as_json
from exporter_proxy.tests.running import has_ended, wait_until


def test_a_silent_client_is_dropped(receive: Receive):
    receiving = receive("receiver.idle_timeout = 0.1")

    with receiving.tcp() as connection:
        assert has_ended(connection)
    with receiving.tcp() as connection:
        connection.sendall(b'{"shop": ')
        assert has_ended(connection)

    wait_until(lambda: receiving.dropped("idle") == 2)


@pytest.mark.parametrize(
    "data",
    [as_json(shop="shop_a 1" * 100), as_capnp("shop", "shop_a 1" * 100), b"{" * 1000],
)
def test_a_client_whose_message_takes_too_long_is_dropped(
    receive: Receive, data: bytes
):
    receiving = receive("receiver.message_timeout = 0.2\nreceiver.idle_timeout = 5")

    with receiving.tcp() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(0.01)
        for byte in data:
            connection.sendall(bytes([byte]))
            try:
                assert connection.recv(1) == b""
                break
            except TimeoutError:
                pass
            except ConnectionError:
                break
    wait_until(lambda: receiving.dropped("slow") == 1)


def test_time_between_messages_is_no_message_s_time(receive: Receive):
    receiving = receive("receiver.message_timeout = 0.1")

    with receiving.tcp() as connection:
        connection.settimeout(0.3)
        for value in range(2):
            connection.sendall(as_json(shop=f"shop_a {value}") + b"\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
    wait_until(lambda: receiving.served() == ["shop_a 1"])


def test_idle_clients_keep_nobody_out(receive: Receive):
    receiving = receive("exporter.concurrent_requests = 3")

    with ExitStack() as opened:
        idle = [opened.enter_context(receiving.tcp()) for _ in range(10)]
        receiving.push(as_json(shop="shop_a 1"))

        assert receiving.served() == ["shop_a 1"]
        wait_until(lambda: receiving.dropped("crowded") == 8)
        assert all(map(has_ended, idle[:8]))


def test_clients_that_do_not_finish_cannot_fill_the_memory(receive: Receive):
    receiving = receive("receiver.max_message_bytes = 100000")

    with ExitStack() as opened:
        for _ in range(10):
            connection = opened.enter_context(receiving.tcp())
            connection.sendall(b'{"a": "' + b"x" * 90_000)
        wait_until(lambda: receiving.dropped("crowded") == 8)

        receiving.push(as_json(shop="shop_a 1"))
        assert receiving.served() == ["shop_a 1"]


def test_clients_that_are_there_at_the_end_hold_nobody_up(tmp_path: Path):
    with ExitStack() as opened:
        with Receiving(tmp_path).running() as receiving:
            connection = opened.enter_context(receiving.tcp())
            connection.sendall(b'{"a": "')
            wait_until(lambda: receiving.open_connections() == 1)
        assert has_ended(connection)
