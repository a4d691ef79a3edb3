"""The sockets' messages over HTTP: what is answered for each application."""

import gzip
import json

import capnp
import pytest

from exporter_proxy.push.messages import SCHEMA
from exporter_proxy.tests.pushing import Answer, Gate


def push(gate: Gate, body: bytes | str, **headers: str) -> tuple[int, object]:
    body = body if isinstance(body, bytes) else body.encode()
    answer = gate.ask("POST", "/push", body, **headers)
    return answer.status, json.loads(answer.text)


def message(application: str, metrics: str) -> bytes:
    schema = capnp.load(str(SCHEMA))
    data: bytes = schema.InboundMetrics.new_message(
        appName=application, data=metrics
    ).to_bytes()
    return data


def test_json_in_all_its_forms(gate: Gate):
    sent = {
        "shop": "shop_a 1\nshop_b 2",
        "mailer": ["mailer_a 1"],
        "backup": {"metrics": ["backup_a 1"], "ttl": "60"},
    }

    assert push(gate, json.dumps(sent)) == (
        200,
        {
            "applications": {
                "shop": {"ok": True, "series": 2},
                "mailer": {"ok": True, "series": 1},
                "backup": {"ok": True, "series": 1},
            }
        },
    )
    assert gate.served() == ["backup_a 1", "mailer_a 1", "shop_a 1", "shop_b 2"]
    known = {each.name: each for each in gate.applications}
    assert known["backup"].lifetime.seconds == 60
    assert {each.channel for each in known.values()} == {"json"}
    assert gate.times() == {}


def test_one_bad_application_costs_the_others_nothing(gate: Gate):
    sent = {
        "shop": "shop_a 1",
        "mailer": "mailer_a 1\nmailer_b one",
        "/job/x": "a 1",
        "backup": 5,
    }

    assert push(gate, json.dumps(sent)) == (
        400,
        {
            "applications": {
                "shop": {"ok": True, "series": 1},
                "mailer": {
                    "ok": False,
                    "reason": "value",
                    "detail": "not a number that Prometheus reads",
                    "line": 2,
                    "excerpt": "mailer_b one",
                },
                "/job/x": {
                    "ok": False,
                    "reason": "application",
                    "detail": "names that start with / are those of groups",
                },
                "backup": {
                    "ok": False,
                    "reason": "json",
                    "detail": "expected the metrics as a string or an array of lines",
                },
            }
        },
    )
    assert gate.served() == ["shop_a 1"]
    assert [each.name for each in gate.applications] == ["backup", "mailer", "shop"]


def test_cap_n_proto_messages_in_a_row(gate: Gate):
    body = message("shop", "shop_a 1") + message("mailer", "mailer_a 1")

    assert push(gate, body) == (
        200,
        {
            "applications": {
                "shop": {"ok": True, "series": 1},
                "mailer": {"ok": True, "series": 1},
            }
        },
    )
    assert {each.channel for each in gate.applications} == {"capnp"}


def test_a_message_may_be_encoded(gate: Gate):
    body = gzip.compress(b'{"shop": "shop_a 1"}')

    assert push(gate, body, Content_Encoding="gzip")[0] == 200
    assert gate.served() == ["shop_a 1"]


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"", "json", "the body is empty"),
        (b"{}", "json", "expected an object: application name to its metrics"),
        (
            b"shop_a 1\n",
            "json",
            "expected a JSON object or a Cap'n Proto message, got shop_a 1",
        ),
        (b'{"shop": "shop_a 1"', "json", "the stream ended within a message"),
        (message("a", "a 1")[:-8], "capnp", "the stream ended within a message"),
    ],
)
def test_what_is_no_message_is_told(gate: Gate, body: bytes, reason: str, detail: str):
    assert push(gate, body) == (
        400,
        {"error": {"ok": False, "reason": reason, "detail": detail}},
    )
    assert gate.refusals(reason) == 1


def test_very_many_small_messages_keep_nobody_waiting(gate: Gate):
    with gate.turns() as turns:
        status, _ = push(gate, b'{"shop": "shop_a 1"}\n' * 10_000)
    assert status == 200
    assert max(turns) < 0.1


def test_there_is_nothing_to_get(gate: Gate):
    assert gate.ask("GET", "/push") == Answer(405, "405: Method Not Allowed")
