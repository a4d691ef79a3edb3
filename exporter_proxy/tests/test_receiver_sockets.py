"""The receivers' sockets: who may push by which, and what is in their way."""

import os
import socket
import stat
from pathlib import Path

import pytest

from exporter_proxy.store.applications import State
from exporter_proxy.tests.receiving import Receive, Receiving, as_json
from servicekit import ServiceFailed


def test_the_unix_socket_is_for_owner_and_group_only(receiving: Receiving):
    mode = receiving.unix_socket.stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_the_unix_socket_s_mode_can_be_chosen(receive: Receive):
    receiving = receive('receiver.unix_socket_mode = "0600"')

    assert stat.S_IMODE(receiving.unix_socket.stat().st_mode) == 0o600


def bound(*user_ids: int) -> str:
    return f'\n[[application]]\nname = "shop*"\nuser_ids = {list(user_ids)}\n'


def test_an_application_may_be_bound_to_users(receive: Receive):
    receiving = receive("receiver.acknowledge = true" + bound(os.getuid(), 54321))
    refusal = (
        f"refused shop to be pushed by Unix socket only, by user {os.getuid()}, 54321\n"
    )

    assert receiving.push(as_json(shop="shop_a 1"), receiving.unix) == b"ok shop 1\n"
    assert receiving.push(as_json(shop="shop_a 2")).decode() == refusal
    assert receiving.push(as_json(mailer="mail_a 1")) == b"ok mailer 1\n"

    assert receiving.served() == ["mail_a 1", "shop_a 1"]
    assert receiving.refused("forbidden") == 1


@pytest.mark.parametrize("value", ["shop_a 2", "no metric", 5])
def test_who_may_not_push_an_application_cannot_make_it_fail(
    receive: Receive, value: object
):
    receiving = receive(bound(os.getuid()))
    receiving.push(as_json(shop="shop_a 1"), receiving.unix)

    receiving.push(as_json(shop=value))

    assert receiving.served() == ["shop_a 1"]
    assert receiving.of("shop").state is State.OK


def test_other_users_are_refused_by_unix_socket_too(receive: Receive):
    receiving = receive(bound(54321))

    receiving.push(as_json(shop="shop_a 1"), receiving.unix)

    assert receiving.served() == []
    assert receiving.refused("forbidden") == 1
    assert receiving.applications.get("shop") is None


def test_a_socket_left_behind_is_replaced_and_removed_at_the_end(tmp_path: Path):
    receiving = Receiving(tmp_path)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(receiving.unix_socket))

    with receiving.running():
        receiving.push(as_json(shop="shop_a 1"), receiving.unix)

    assert receiving.served() == ["shop_a 1"]
    assert not receiving.unix_socket.exists()


def failure(receiving: Receiving) -> str:
    """Return why receivers cannot be started."""
    with pytest.raises(ServiceFailed) as error:
        receiving.run_briefly()
    return str(error.value)


def test_anything_else_at_the_socket_s_path_stays(tmp_path: Path):
    receiving = Receiving(tmp_path)
    receiving.unix_socket.write_text("somebody's")

    assert "exists and is not a socket" in failure(receiving)
    assert receiving.unix_socket.read_text() == "somebody's"


def test_a_link_at_the_socket_s_path_stays(tmp_path: Path):
    receiving = Receiving(tmp_path)
    receiving.unix_socket.symlink_to(tmp_path / "elsewhere.sock")

    assert "exists and is not a socket" in failure(receiving)


def test_a_socket_that_is_in_use_stays(tmp_path: Path):
    receiving = Receiving(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(receiving.unix_socket))
        other.listen()

        assert "in use by another process" in failure(receiving)

    assert receiving.unix_socket.exists()


def test_a_tcp_port_that_is_taken_is_named(tmp_path: Path):
    receiving = Receiving(tmp_path)

    with socket.create_server(("127.0.0.1", receiving.tcp_port)):
        assert failure(receiving).startswith(
            "receiver.receiver_tcp_socket: "
            f"cannot listen on 127.0.0.1:{receiving.tcp_port}: "
        )


def test_other_networks_are_turned_away_by_tcp_only(
    receive: Receive, caplog: pytest.LogCaptureFixture
):
    receiving = receive('receiver.allow = ["10.0.0.0/8", "::1"]')

    for _ in range(5):
        receiving.push(as_json(shop="shop_a 1"))
    receiving.push(as_json(mailer="mail_a 1"), receiving.unix)

    assert receiving.served() == ["mail_a 1"]
    assert receiving.dropped("address") == 5
    assert caplog.text.count("turned away") == 1
    assert "network=127.0.0.0/24" in caplog.text


def test_allowed_networks_are_let_in(receive: Receive):
    receiving = receive('receiver.allow = "10.0.0.0/8 127.0.0.0/8"')

    receiving.push(as_json(shop="shop_a 1"))

    assert receiving.served() == ["shop_a 1"]
