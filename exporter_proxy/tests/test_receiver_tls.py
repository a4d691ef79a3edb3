"""Pushing over TLS, with certificates and without."""

import contextlib
import ssl
from contextlib import ExitStack

import pytest

from exporter_proxy.config import read
from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tests.receiving import Receive, Receiving, as_json
from exporter_proxy.tests.running import wait_until
from servicekit import SettingsError


def over_tls(authority: Authority, *, required: bool = False) -> str:
    pair = authority.issue("server")
    return (
        "receiver.tls = true\nreceiver.acknowledge = true\n"
        f"receiver.require_client_certificate = {str(required).lower()}\n"
        f'tls.certificate = "{pair.certificate}"\ntls.key = "{pair.key}"\n'
        f'tls.client_ca = "{authority.pair.certificate}"\n'
    )


def safely(
    receiving: Receiving, authority: Authority, own: Pair | None = None
) -> ssl.SSLSocket:
    """Return a connection over TLS."""
    context = ssl.create_default_context(cafile=str(authority.pair.certificate))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return context.wrap_socket(receiving.tcp(), server_hostname="localhost")


@pytest.mark.parametrize("size", [1, 20_000])
def test_pushes_come_over_tls(receive: Receive, authority: Authority, size: int):
    receiving = receive(over_tls(authority))
    lines = [f'shop_a{{n="{n}"}} {n}' for n in range(size)]

    with safely(receiving, authority) as connection:
        connection.sendall(as_json(shop=lines))
        assert connection.recv(100) == f"ok shop {size}\n".encode()
        connection.sendall(as_json(shop=lines[:1]))
        assert connection.recv(100) == b"ok shop 1\n"

    assert receiving.push(as_json(mailer="mail_a 1"), receiving.unix) == (
        b"ok mailer 1\n"
    )


def test_clients_may_have_to_show_a_certificate(receive: Receive, authority: Authority):
    receiving = receive(over_tls(authority, required=True))

    # Under TLS 1.3 a client learns what it would have had to show when it reads.
    with safely(receiving, authority) as nobody, contextlib.suppress(OSError):
        assert nobody.recv(1) == b""
    with safely(receiving, authority, authority.issue("client")) as client:
        client.sendall(as_json(mailer="mail_a 1"))
        assert client.recv(100) == b"ok mailer 1\n"

    assert receiving.served() == ["mail_a 1"]
    assert receiving.dropped("handshake") == 1


def test_who_does_not_speak_tls_is_dropped_and_told_once(
    receive: Receive, authority: Authority, caplog: pytest.LogCaptureFixture
):
    receiving = receive(over_tls(authority))

    for _ in range(3):
        receiving.push(as_json(shop="shop_a 1"))

    assert receiving.served() == []
    wait_until(lambda: receiving.dropped("handshake") == 3)
    assert caplog.text.count("no TLS handshake") == 1


def test_clients_without_a_handshake_keep_nobody_out(
    receive: Receive, authority: Authority
):
    receiving = receive(over_tls(authority) + "exporter.concurrent_requests = 3")

    with ExitStack() as opened:
        for _ in range(10):
            opened.enter_context(receiving.tcp())
        with safely(receiving, authority) as client:
            client.sendall(as_json(shop="shop_a 1"))
            assert client.recv(100) == b"ok shop 1\n"
            assert receiving.dropped("crowded") == 8


def test_who_comes_later_is_met_by_the_new_configuration(
    receive: Receive, authority: Authority
):
    receiving = receive("")
    with receiving.tcp() as before:
        before.sendall(as_json(shop="shop_a 1"))
        wait_until(lambda: receiving.served() == ["shop_a 1"])

        receiving.reception.follow(read(receiving.configure(over_tls(authority))))

        with safely(receiving, authority) as client:
            client.sendall(as_json(shop="shop_a 2"))
            assert client.recv(100) == b"ok shop 1\n"
        before.sendall(as_json(shop="shop_a 3"))
        wait_until(lambda: receiving.served() == ["shop_a 3"])


def test_a_wrong_certificate_changes_nothing(receive: Receive, authority: Authority):
    receiving = receive("")
    config = read(receiving.configure(over_tls(authority)))
    (receiving.unix_socket.parent / "server.pem").write_text("spoilt")

    with pytest.raises(SettingsError, match=r"tls\.certificate"):
        receiving.reception.follow(config)

    receiving.push(as_json(shop="shop_a 1"))
    assert receiving.served() == ["shop_a 1"]
