"""Pushing over real sockets: what is taken, what is refused, and who has to go."""

import contextlib
import os
import socket
import ssl
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from exporter_proxy.config import read
from exporter_proxy.config.values import Lifetime
from exporter_proxy.store.applications import State
from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tests.receiving import Receiving, as_capnp, as_json
from exporter_proxy.tests.running import has_ended, wait_until
from servicekit import ServiceFailed, SettingsError

type Receive = Callable[[str], Receiving]


@pytest.fixture
def receive(tmp_path: Path) -> Iterator[Receive]:
    """Start receivers; ``more`` are further lines of the file."""
    with ExitStack() as running:

        def start(more: str) -> Receiving:
            return running.enter_context(Receiving(tmp_path, more).running())

        yield start


@pytest.fixture
def receiving(receive: Receive) -> Receiving:
    """Return running receivers."""
    return receive("")


@pytest.fixture
def answering(receive: Receive) -> Receiving:
    """Return receivers that acknowledge."""
    return receive("receiver.acknowledge = true")


# What clients of the original do.


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


# What is refused, and harms nobody else.


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


# Who has to go.


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


# Acknowledgements.


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


# The Unix socket.


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


# The TCP socket: networks and TLS.


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


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


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


def test_several_connections_do_not_mix(receiving: Receiving):
    with ExitStack() as opened:
        clients = [opened.enter_context(receiving.tcp()) for _ in range(20)]
        messages = [as_json(**{f"app{n}": f"app{n}_a {n}"}) for n in range(20)]
        for at in range(max(map(len, messages))):
            for client, message in zip(clients, messages, strict=True):
                client.sendall(message[at : at + 1])
        wait_until(lambda: len(receiving.served()) == 20)

    assert sorted(receiving.served()) == sorted(f"app{n}_a {n}" for n in range(20))
