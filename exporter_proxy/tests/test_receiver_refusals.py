"""What receivers refuse, and that it harms nobody else."""

import contextlib

import pytest

from exporter_proxy.store.applications import State
from exporter_proxy.tests.receiving import Receive, Receiving, as_capnp, as_json
from exporter_proxy.tests.running import has_ended, wait_until


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n", "json"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "json"),
        (b"shop_a 1\n", "json"),
        (b"x" * 3_000_000, "json"),
        (b'{"shop": ', "json"),
        (b'{"shop": 5}', "json"),
        (b'{"shop": {"metrics": "shop_a 1", "ttl": "long"}}', "lifetime"),
        (b"{}", "json"),
        (as_json(**{"": "a 1"}), "application"),
        (as_json(**{"a\nb": "a 1"}), "application"),
        (as_json(**{"http://host/metrics": "a 1"}), "application"),
        (as_json(**{"/job/a": "a 1"}), "application"),
        (as_json(shop="exporter_proxy_connections 1"), "reserved_name"),
        (as_json(shop="shop_a one"), "value"),
        (as_capnp("shop", "shop_a 1")[:-1], "capnp"),
        (b"\x01\x00", "json"),
        (b"\xff\x01\x00\x00" + bytes(8), "capnp"),
        (b"\x00\x00\x00\x00\xff\xff\xff\xff", "too_large"),
        (bytes(8), "capnp"),
    ],
)
def test_what_is_no_message_is_refused_and_counted(
    receiving: Receiving, data: bytes, reason: str
):
    receiving.push(as_json(other="other_a 1"))

    assert receiving.push(data) == b""

    assert receiving.refused(reason) == 1
    assert receiving.served() == ["other_a 1"]


def test_http_at_the_wrong_door_is_called_so(
    receiving: Receiving, caplog: pytest.LogCaptureFixture
):
    receiving.push(b"GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n")

    assert (
        "reason=json error=expected a JSON object or a Cap'n Proto message, "
        "got an HTTP request, which belongs to exporter.scrape_expose_endpoint"
    ) in caplog.text


def test_each_application_of_a_message_is_judged_by_itself(receiving: Receiving):
    receiving.push(as_json(shop="shop_a 1", mailer="mail_a 1"))
    receiving.push(
        as_json(**{"shop": "shop_a 2\nshop_b", "mailer": "mail_a 2", "": "x 1"})
    )

    assert receiving.served() == ["mail_a 2", "shop_a 1"]
    assert receiving.of("shop").state is State.FAILING
    assert receiving.of("mailer").state is State.OK


@pytest.mark.parametrize("start", [b'{"a": "', b'{"a":', b"{" * 100, b"[[[["])
def test_an_endless_stream_is_cut_off(receive: Receive, start: bytes):
    receiving = receive("receiver.max_message_bytes = 100000")
    with receiving.tcp() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            while True:
                connection.sendall(b"x" * 10_000)
        assert has_ended(connection)

    assert receiving.dropped("refused") == 1


def test_endless_blanks_are_nothing_at_all(receiving: Receiving):
    with receiving.tcp() as connection:
        for _ in range(100):
            connection.sendall(b" \n" * 50_000)
        connection.sendall(as_json(shop="shop_a 1"))
        wait_until(lambda: receiving.served() == ["shop_a 1"])


def test_a_message_that_is_too_large_is_refused_before_it_ends(receive: Receive):
    receiving = receive("receiver.max_message_bytes = 1000")

    for data in (b'{"a": "' + b"x" * 1000, as_capnp("a", "x" * 1000)):
        with receiving.tcp() as connection:
            connection.sendall(data)
            assert has_ended(connection)

    assert receiving.refused("too_large") == 2


@pytest.mark.parametrize(
    ("allowed", "other"),
    [("json", as_capnp("shop", "a 1")), ("capnp", as_json(shop="a 1"))],
)
def test_a_format_may_be_kept_out(receive: Receive, allowed: str, other: bytes):
    receiving = receive(f'receiver.format = "{allowed}"')

    receiving.push(other)

    assert receiving.served() == []
    assert receiving.refused("format") == 1
