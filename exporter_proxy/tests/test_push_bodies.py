"""What a pushed body may be: its encodings, its formats and its limits."""

import gzip
from collections.abc import Callable

import cramjam
import pytest

from exporter_proxy.tests.pushing import Answer, Gate, StartGate
from exporter_proxy.tests.test_content import PROTOBUF
from exporter_proxy.tests.test_protobuf import COUNTER, family, field, label


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
