"""How pushed bodies arrive: too large, too slowly, in part, or all at once."""

import gzip
import socket
import threading
from contextlib import ExitStack

import pytest

from exporter_proxy.push.uploads import LARGEST_BODIES
from exporter_proxy.tests.pushing import Gate, StartGate
from exporter_proxy.tests.running import wait_until

SMALL = "receiver.max_message_bytes = 10000\nreceiver.message_timeout = 0.3\n"


def test_bodies_that_unpack_to_much_take_turns(start_gate: StartGate):
    gate = start_gate("receiver.max_message_bytes = 10000000")
    body = gzip.compress(b"m 1\n" + (b"#" * 999 + b"\n") * 9000)
    answers: list[int] = []

    def push(number: int) -> None:
        for path in f"/metrics/job/{number}", "/push":
            answer = gate.ask("POST", path, body, Content_Encoding="gzip")
            answers.append(answer.status)

    threads = [threading.Thread(target=push, args=(each,)) for each in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200] * 5 + [400] * 5
    assert len(gate.served()) == 5


def test_a_body_that_says_it_is_too_large_is_refused_at_once(start_gate: StartGate):
    gate = start_gate(SMALL)

    with connection(gate, b"Content-Length: 10001\r\n") as client:
        assert b" 413 " in client.recv(1000).splitlines()[0]


def test_a_body_without_an_end_is_refused_when_it_is_too_large(
    start_gate: StartGate,
):
    gate = start_gate(SMALL)

    with connection(gate, b"Transfer-Encoding: chunked\r\n") as client:
        for _ in range(11):
            client.sendall(b"3e8\r\n%b\r\n" % (b"#" * 1000))
        assert b" 413 " in client.recv(1000).splitlines()[0]


@pytest.mark.parametrize(
    "header", [b"Content-Length: 5000\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_a_body_that_comes_too_slowly_is_given_up(start_gate: StartGate, header: bytes):
    gate = start_gate(SMALL)

    with connection(gate, header) as client:
        stop = threading.Event()
        drip = threading.Thread(target=send_slowly, args=(client, stop))
        drip.start()
        answer = client.recv(1000)
        stop.set()
        drip.join()

    assert b" 408 " in answer.splitlines()[0]
    assert b"the body was not there within 0.3 s" in answer
    assert gate.refusals("timeout") == 1


def test_a_client_that_breaks_off_is_counted(gate: Gate):
    with connection(gate, b"Content-Length: 100\r\n") as client:
        client.sendall(b"m 1\n")

    wait_until(lambda: gate.refusals("cut_off") == 1)
    assert gate.served() == []


def test_broken_chunks_are_an_end(start_gate: StartGate):
    """aiohttp answers if they come with the head; else the time for a body does."""
    gate = start_gate(SMALL)

    with connection(gate, b"Transfer-Encoding: chunked\r\n") as client:
        client.sendall(b"zz\r\n")
        assert client.recv(1000)[9:12] in (b"400", b"408")
        while client.recv(1000):
            pass


def test_unfinished_bodies_hold_no_more_than_there_is_room_for(
    start_gate: StartGate,
):
    """Whoever was silent longest has to go, and whoever goes on is served."""
    gate = start_gate("receiver.max_message_bytes = 10000\n")
    header = b"Content-Length: 10000\r\n"

    with ExitStack() as open_clients:
        clients = [
            open_clients.enter_context(connection(gate, header, b"#" * 9000))
            for _ in range(LARGEST_BODIES + 3)
        ]
        wait_until(lambda: gate.refusals("crowded") == 3)
        clients[-1].sendall(b"#" * 1000)
        assert b" 200 " in clients[-1].recv(1000).splitlines()[0]
        assert b" 503 " in clients[0].recv(1000).splitlines()[0]


def connection(gate: Gate, header: bytes, body: bytes = b"") -> socket.socket:
    """Return a connection on which a push has begun."""
    client = socket.create_connection(("127.0.0.1", gate.port), timeout=5)
    client.sendall(
        b"PUT /metrics/job/a HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (header, body)
    )
    return client


def send_slowly(client: socket.socket, stop: threading.Event) -> None:
    """Send a byte now and then: each of them shows that somebody is there."""
    try:
        while not stop.wait(0.05):
            client.sendall(b"1")
    except OSError:
        pass  # the server had enough
