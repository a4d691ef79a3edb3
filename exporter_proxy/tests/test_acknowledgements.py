"""What pushes are answered over a socket, line by line."""

import contextlib
import socket

import pytest

from exporter_proxy.tests.receiving import Receive, Receiving, as_capnp, as_json
from exporter_proxy.tests.running import wait_until


def test_each_application_is_answered_on_a_line(answering: Receiving):
    answer = answering.push(
        as_json(shop="shop_a 1\nshop_b 2", mailer="# nothing\nmail_a one")
        + as_json(**{"my app": "my_a 1", "é": "e_a 1", "": "x 1"})
    )

    assert answer.decode().splitlines() == [
        "ok shop 2",
        "refused mailer line 2: not a number that Prometheus reads: mail_a one",
        r"ok my\x20app 1",
        "ok é 1",
        "refused - expected a printable name of 1-200 characters",
    ]


def test_capnp_is_answered_alike(answering: Receiving):
    stream = as_capnp("shop", "shop_a 1") + as_capnp("mailer", "mail_a one")

    assert answering.push(stream).decode().splitlines() == [
        "ok shop 1",
        "refused mailer line 1: not a number that Prometheus reads: mail_a one",
    ]


def test_an_answer_comes_while_the_client_stays(answering: Receiving):
    with answering.tcp() as connection:
        for _ in range(3):
            connection.sendall(as_json(shop="shop_a 1"))
            assert connection.recv(100) == b"ok shop 1\n"


def test_lines_that_were_dropped_are_told(receive: Receive):
    receiving = receive('receiver.acknowledge = true\napplications.bad_lines = "drop"')

    assert receiving.push(as_json(shop="shop_a 1\nshop_b\nshop_c")).decode() == (
        'ok shop 1 dropped 2 line 2: expected name{label="value"} number: shop_b\n'
    )


def test_no_message_is_answered_before_the_connection_ends(answering: Receiving):
    for start in (b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n" + b"x" * 1_000_000):
        assert answering.push(start).decode() == (
            "refused - expected a JSON object or a Cap'n Proto message, "
            "got an HTTP request, which belongs to exporter.scrape_expose_endpoint\n"
        )


@pytest.mark.parametrize(
    "forged", ["a\nok shop 1", "a\rok shop 1", "a\u2028ok shop 1", "a\x1b[2K", "a\x85b"]
)
def test_nothing_that_is_sent_forges_a_line(answering: Receiving, forged: str):
    answer = answering.push(
        as_json(**{forged: "a 1", "shop": "# HELP a b\na{" + forged}) + forged.encode()
    ).decode()

    assert len(answer.splitlines()) == 3
    assert all(line.startswith("refused ") for line in answer.splitlines())
    assert answer.replace("\n", "").isprintable()


def test_a_client_that_does_not_read_its_answers_is_dropped(answering: Receiving):
    with answering.tcp() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        message = as_json(**{f"app{n}": "a b" for n in range(1000)}) + b"\n"
        with contextlib.suppress(ConnectionError, TimeoutError):
            while not answering.dropped("unacknowledged"):
                connection.sendall(message)
        wait_until(lambda: answering.dropped("unacknowledged") == 1)

    assert answering.push(as_json(shop="shop_a 1")) == b"ok shop 1\n"
