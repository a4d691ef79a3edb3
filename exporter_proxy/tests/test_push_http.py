"""Pushes to groups over HTTP: what a client is answered, and what is served then.

The table is what the Pushgateway 1.5.1 answers to the same requests, but where a
comment says otherwise.
"""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cramjam
import pytest

from exporter_proxy.push.uploads import LARGEST_BODIES
from exporter_proxy.tests.pushing import Answer, Gate
from exporter_proxy.tests.running import wait_until
from exporter_proxy.tests.test_content import PROTOBUF
from exporter_proxy.tests.test_protobuf import COUNTER, family, field, label

SMALL = "receiver.max_message_bytes = 10000\nreceiver.message_timeout = 0.3\n"

type StartGate = Callable[[str], Gate]


@pytest.fixture
def start_gate(tmp_path: Path) -> Iterator[StartGate]:
    """Start servers; what is given are lines of the configuration."""
    with ExitStack() as running:

        def start(lines: str) -> Gate:
            path = tmp_path / "config.toml"
            path.write_text(lines, encoding="utf-8")
            gate = Gate(path)
            running.enter_context(gate.running())
            return gate

        yield start


@pytest.fixture
def gate(start_gate: StartGate) -> Gate:
    return start_gate("")


TABLE = [
    # The path, the body, the status and the lines that are served then.
    ("/job/a", "m 1\n", 200, ['m{instance="",job="a"} 1']),
    ("/job/a", "", 200, []),
    ("/job/a/", "m 1\n", 200, ['m{instance="",job="a"} 1']),
    ("/job/a/instance/i", "m 1\n", 200, ['m{instance="i",job="a"} 1']),
    (
        "/job/a",
        'm{job="b",instance="i",z="1"} 1\n',
        200,
        ['m{instance="i",job="a",z="1"} 1'],
    ),
    (
        "/job/a/instance/j",
        'm{job="b",instance="i",z="1"} 1\n',
        200,
        ['m{instance="j",job="a",z="1"} 1'],
    ),
    ("/job@base64/YS9i", "m 1\n", 200, ['m{instance="",job="a/b"} 1']),
    ("/job@base64/YQ==", "m 1\n", 200, ['m{instance="",job="a"} 1']),
    ("/job/a/x@base64/=", "m 1\n", 200, ['m{instance="",job="a",x=""} 1']),
    ("/job/a/x/", "m 1\n", 200, ['m{instance="",job="a",x=""} 1']),
    (
        "/job/a/path@base64/L3Zhci90bXA",
        "m 1\n",
        200,
        ['m{instance="",job="a",path="/var/tmp"} 1'],
    ),
    ("/job/a/n/%CE%A0", "m 1\n", 200, ['m{instance="",job="a",n="Π"} 1']),
    ("/job/a/n/b+c", "m 1\n", 200, ['m{instance="",job="a",n="b+c"} 1']),
    (
        "/job/a/n/%22%5C%0A",
        "m 1\n",
        200,
        [r'm{instance="",job="a",n="\"\\\n"} 1'],
    ),
    ("/job/a", "ok 1\nbad line\n", 400, []),
    ("/job/a", "m 1\nm 2\n", 400, []),
    ("/job/a/x", "m 1\n", 400, []),
    ("/job@base64/=", "m 1\n", 400, []),
    ("/job/a/n/%zz", "m 1\n", 400, []),
    ("/job/a/n/%FF", "m 1\n", 400, []),
    ("/job/a/1x/y", "m 1\n", 400, []),
    ("/job/a/__x/y", "m 1\n", 400, []),
    ("/job@base64/@@", "m 1\n", 400, []),
    # The Pushgateway refuses these; here they are read as Prometheus would, and
    # timestamps are treated as the configuration says.
    ("/job/a", "m 1", 200, ['m{instance="",job="a"} 1']),
    ("/job/a", "m 1\r\n", 200, ['m{instance="",job="a"} 1']),
    ("/job/a", "m 1 1712345678901\n", 200, ['m{instance="",job="a"} 1']),
    # It takes an encoded slash as a plain one, and so cannot take this at all.
    ("/job/a%2Fb", "m 1\n", 200, ['m{instance="",job="a/b"} 1']),
    # It redirects these two to a path that it then refuses, or does not know.
    ("/job/a/x//y/z", "m 1\n", 400, []),
    ("/job/", "m 1\n", 400, []),
    # It takes these: of a label that is given twice the last one or the job counts;
    # what it was pushed under its own names is lost; U__ is part of a name like others.
    ("/job/a/x/1/x/2", "m 1\n", 400, []),
    ("/job/a/job/b", "m 1\n", 400, []),
    ("/job/a", "push_time_seconds 1\n", 400, []),
    ("/job/a/U__a_2e_b/y", "m 1\n", 400, []),
]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(("path", "body", "status", "lines"), TABLE)
def test_the_table_of_requests(
    gate: Gate, method: str, path: str, body: str, status: int, lines: list[str]
):
    answer = gate.ask(method, f"/metrics{path}", body.encode())

    assert answer.status == status
    assert gate.served() == lines
    assert answer.text.count("\n") == (0 if status == 200 else 1)


def test_all_paths_on_one_server(gate: Gate):
    """One after another, none changes what another one is answered."""
    answers = [gate.put(f"/metrics{path}", body).status for path, body, *_ in 2 * TABLE]

    assert answers == [status for _, _, status, _ in 2 * TABLE]


def test_what_is_wrong_is_told_with_its_line(gate: Gate):
    answer = gate.put("/metrics/job/a", "ok 1\nbad line\n")

    assert answer.text == "line 2: not a number that Prometheus reads: bad line\n"
    [known] = gate.applications
    assert (known.name, known.last_error) == ("/job/a", answer.text.rstrip())
    assert gate.refusals("value") == 1


def test_a_wrong_path_is_counted_but_is_no_group(gate: Gate):
    assert gate.put("/metrics/job/a/x", "m 1\n") == Answer(
        400, "the label x has no value\n"
    )
    assert list(gate.applications) == []
    assert gate.refusals("group") == 1


def test_put_replaces_the_group_and_post_families_of_the_same_name(gate: Gate):
    gate.put("/metrics/job/a", 'one 1\ntwo{x="1"} 1\ntwo{x="2"} 1\n')

    gate.ask("POST", "/metrics/job/a", b'two{x="1"} 2\nthree 3\n')
    assert gate.served() == [
        'one{instance="",job="a"} 1',
        'three{instance="",job="a"} 3',
        'two{instance="",job="a",x="1"} 2',
    ]

    gate.put("/metrics/job/a", "four 4\n")
    assert gate.served() == ['four{instance="",job="a"} 4']

    gate.put("/metrics/job/a", "")
    assert gate.served() == []
    assert gate.times().keys() == {
        'push_failure_time_seconds{instance="",job="a"}',
        'push_time_seconds{instance="",job="a"}',
    }


def test_labels_in_another_order_are_the_same_group(gate: Gate):
    gate.put("/metrics/job/a/x/1/y/2", "m 1\n")
    gate.put("/metrics/job/a/y/2/x/1", "m 2\n")

    assert gate.served() == ['m{instance="",job="a",x="1",y="2"} 2']


def test_delete_removes_exactly_that_group(gate: Gate):
    gate.put("/metrics/job/a", "m 1\n")
    gate.put("/metrics/job/a/x/1", "m 2\n")

    assert gate.ask("DELETE", "/metrics/job/a") == Answer(202, "")

    assert gate.served() == ['m{instance="",job="a",x="1"} 2']
    assert len(gate.times()) == 2
    assert gate.ask("DELETE", "/metrics/job/a").status == 202
    assert gate.ask("DELETE", "/metrics/job/a/x").status == 400


def test_a_refused_push_changes_nothing(gate: Gate):
    gate.put("/metrics/job/a", "m 1\n")

    gate.put("/metrics/job/a", "m 2\nn\n")
    gate.ask("POST", "/metrics/job/a", b"m 2\nn\n")

    assert gate.served() == ['m{instance="",job="a"} 1']


@pytest.mark.parametrize(
    ("limit", "status", "answer"),
    [
        ("max_series = 2", 400, "more than 2 series with those that stay\n"),
        ("max_bytes = 70", 413, "more than 70 bytes with what stays\n"),
    ],
)
def test_what_is_added_bit_by_bit_has_the_limits_of_one_body(
    start_gate: StartGate, limit: str, status: int, answer: str
):
    gate = start_gate(f"applications.{limit}")
    for name in "ab":
        assert gate.ask("POST", "/metrics/job/a", f"{name} 1\n".encode()).status == 200

    assert gate.ask("POST", "/metrics/job/a", b"c 1\n") == Answer(status, answer)

    assert gate.ask("POST", "/metrics/job/a", b"b 2\n").status == 200
    assert gate.served() == ['a{instance="",job="a"} 1', 'b{instance="",job="a"} 2']


def test_labels_of_a_group_cannot_make_much_of_a_small_body(start_gate: StartGate):
    gate = start_gate("applications.max_bytes = 1000")
    body = "".join(f"m{number} 1\n" for number in range(20))

    told = "more than 1000 bytes with the labels of the group"
    answer = gate.put(f"/metrics/job/{'a' * 100}", body)
    assert (answer.status, told in answer.text) == (413, True)
    assert gate.put("/metrics/job/a", body).status == 200


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


def test_what_is_taken_and_not_served_is_told(gate: Gate):
    assert gate.put("/metrics/job/a", "# TYPE x histogram\nx_sum 1").text == ""

    clashing = "# TYPE x summary\nx_sum 1\n# TYPE y gauge\ny 1"
    answer = gate.put("/metrics/job/b", clashing)
    message = gate.ask("POST", "/push", b'{"c": "# TYPE x gauge\\nx 1"}')

    assert answer.status == 200
    assert answer.text == "left out, clashing with another application: x\n"
    assert json.loads(message.text)["applications"]["c"] == {
        "ok": True,
        "series": 1,
        "left_out": ["x"],
    }


def test_the_times_of_pushing(gate: Gate):
    before = time.time()
    gate.put("/metrics/job/a/instance/i", "m 1\n")
    taken = gate.times()
    gate.put("/metrics/job/a/instance/i", "m\n")
    refused = gate.times()
    gate.put("/metrics/job/b", "m\n")

    series = '{instance="i",job="a"}'
    assert taken[f"push_failure_time_seconds{series}"] == 0
    assert before <= taken[f"push_time_seconds{series}"] <= time.time()
    assert refused[f"push_time_seconds{series}"] == taken[f"push_time_seconds{series}"]
    assert before <= refused[f"push_failure_time_seconds{series}"] <= time.time()
    assert gate.times()['push_time_seconds{instance="",job="b"}'] == 0


def snappy_frames(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress(body))


def snappy_block(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("snappy", snappy_frames), ("snappy", snappy_block)],
)
def test_a_body_may_be_encoded(
    gate: Gate, encoding: str, pack: Callable[[bytes], bytes]
):
    body = pack(b"".join(b'm{n="%d"} 1\n' % number for number in range(10_000)))

    answer = gate.ask("PUT", "/metrics/job/a", body, Content_Encoding=encoding)

    assert answer == Answer(200, "")
    assert len(gate.served()) == 10_000


def test_what_inflates_beyond_the_application_s_limit_is_too_large(
    start_gate: StartGate,
):
    gate = start_gate("applications.max_bytes = 1000\n")
    bomb = gzip.compress(b"#" * 10**8)

    answer = gate.ask("PUT", "/metrics/job/a", bomb, Content_Encoding="gzip")

    assert answer == Answer(413, "a body of more than 1000 bytes uncompressed\n")
    assert gate.put("/metrics/job/a", "#" * 1001).status == 413
    assert gate.refusals("too_large") == 2


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        (
            {"Content_Encoding": "br"},
            415,
            "the content encoding br is not taken: gzip and snappy are",
        ),
        (
            {"Content_Type": "application/openmetrics-text"},
            415,
            "the content type application/openmetrics-text is not taken: "
            "text/plain and delimited protobuf MetricFamily are",
        ),
        (
            {"Content_Encoding": "gzip"},
            400,
            "not gzip: Compressed file ended before the end-of-stream "
            "marker was reached",
        ),
        (
            {"Content_Type": PROTOBUF},
            400,
            "message 1: the body ends within it",
        ),
    ],
)
def test_a_body_that_is_not_what_it_says(
    gate: Gate, headers: dict[str, str], status: int, text: str
):
    assert gate.put("/metrics/job/a", "m 1\n", **headers) == Answer(status, f"{text}\n")
    assert [known.last_error for known in gate.applications] == [text]


def test_protobuf(gate: Gate):
    metrics = [
        label("n", f"{number}") + field(3, field(1, float(number)))
        for number in range(5000)
    ]
    data = family("m", COUNTER, *metrics[:3])
    assert gate.ask("PUT", "/metrics/job/a", data, Content_Type=PROTOBUF).status == 200
    assert gate.served() == [
        f'm{{instance="",job="a",n="{number}"}} {number}' for number in range(3)
    ]

    data = gzip.compress(family("m", COUNTER, *metrics))
    headers = {"Content_Type": PROTOBUF, "Content_Encoding": "gzip"}
    assert gate.ask("PUT", "/metrics/job/a", data, **headers).status == 200
    assert len(gate.served()) == 5000


def test_a_group_has_the_limits_of_labels(start_gate: StartGate):
    gate = start_gate("applications.max_labels = 2\napplications.max_label_bytes = 8")

    many = gate.put("/metrics/job/a/b/1/c/2", "m 1\n")
    long = gate.put("/metrics/job/123456789", "m 1\n")

    assert (many.status, long.status) == (400, 400)
    assert many.text == "3 labels are more than 2\n"
    assert long.text == "a label's name or value is longer than 8 bytes\n"
    assert gate.put("/metrics/job/12345678/b/1", "m 1\n").status == 200
    assert len(gate.applications) == 1


def test_a_lifetime_may_be_wished(gate: Gate):
    gate.put("/metrics/job/a?ttl=60", "m 1\n")
    gate.put("/metrics/job/b?ttl=5x", "m 1\n")
    gate.put("/metrics/job/c", "m 1\n")

    lifetimes = [known.lifetime for known in gate.applications]
    assert [each.seconds for each in lifetimes] == [60, None, None]
    assert [each.intervals for each in lifetimes] == [None, 5, None]
    assert gate.put("/metrics/job/d?ttl=soon", "m 1\n") == Answer(
        400,
        'ttl: expected never, seconds, or a number of push intervals such as "5x", '
        "at least 1.5x\n",
    )


def test_what_only_certain_users_may_push_is_not_taken_over_http(
    start_gate: StartGate,
):
    gate = start_gate('[[application]]\nname = "/job/a*"\nuser_ids = [1000]\n')

    assert gate.put("/metrics/job/a", "m 1\n").status == 403
    assert gate.put("/metrics/job/b", "m 1\n").status == 200


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


def test_other_methods_are_not_allowed(gate: Gate):
    assert gate.ask("GET", "/metrics/job/a").status == 405
    assert gate.ask("PATCH", "/metrics/job/a").status == 405


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
