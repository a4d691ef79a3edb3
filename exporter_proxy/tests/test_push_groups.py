"""Pushes to groups over HTTP: what a client is answered, and what is served then.

The table is what the Pushgateway 1.5.1 answers to the same requests, but where a
comment says otherwise.
"""

import json
import time

import pytest

from exporter_proxy.tests.pushing import Answer, Gate, StartGate

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


def test_other_methods_are_not_allowed(gate: Gate):
    assert gate.ask("GET", "/metrics/job/a").status == 405
    assert gate.ask("PATCH", "/metrics/job/a").status == 405
