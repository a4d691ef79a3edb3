"""The rest of Pushgateway's API."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter_proxy.tests.pushing import Answer, Gate

HISTOGRAM = """\
# HELP seconds How \\\\ long
# TYPE seconds histogram
seconds_bucket{le="0.5",x="} 1"} 1
seconds_bucket{le="+Inf",x="} 1"} 2
seconds_sum{x="} 1"} 1.5
seconds_count{x="} 1"} 2
# TYPE wait summary
wait{quantile="0.5"} 3
wait_sum 4
wait_count 5
# TYPE orders_total counter
orders_total{kind="a\\n\\"b"} 6
orders_total{kind="c"} 7
"""


def data(gate: Gate, path: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    answer = gate.ask("GET", path)
    assert answer.status == 200
    parsed = json.loads(answer.text)
    assert parsed["status"] == "success"
    return parsed["data"]


def test_groups_with_their_families(gate: Gate):
    gate.put("/metrics/job/a", HISTOGRAM)

    [group] = data(gate, "/api/v1/metrics")

    def without_time(name: str) -> dict[str, Any]:
        family = dict(group[name])
        assert datetime.fromisoformat(family.pop("time_stamp")).tzinfo is UTC
        return family

    assert group["labels"] == {"job": "a"}
    assert group["last_push_successful"] is True
    assert without_time("seconds") == {
        "type": "HISTOGRAM",
        "help": "How \\ long",
        "metrics": [
            {
                "labels": {"instance": "", "job": "a", "x": "} 1"},
                "buckets": {"0.5": "1", "+Inf": "2"},
                "sum": "1.5",
                "count": "2",
            }
        ],
    }
    assert without_time("wait")["metrics"] == [
        {
            "labels": {"instance": "", "job": "a"},
            "quantiles": {"0.5": "3"},
            "sum": "4",
            "count": "5",
        }
    ]
    assert without_time("orders_total")["metrics"] == [
        {"labels": {"instance": "", "job": "a", "kind": 'a\n"b'}, "value": "6"},
        {"labels": {"instance": "", "job": "a", "kind": "c"}, "value": "7"},
    ]
    [failure] = without_time("push_failure_time_seconds")["metrics"]
    assert failure == {"labels": {"instance": "", "job": "a"}, "value": "0"}


def test_a_group_whose_last_push_was_refused(gate: Gate):
    gate.put("/metrics/job/a/instance/b", "m 1\n")
    gate.put("/metrics/job/a/instance/b", "m\n")

    [group] = data(gate, "/api/v1/metrics")

    assert group["last_push_successful"] is False
    assert group["labels"] == {"job": "a", "instance": "b"}
    assert group["m"]["metrics"][0]["value"] == "1"


def test_no_groups(gate: Gate):
    gate.ask("POST", "/push", b'{"shop": "shop_a 1"}')

    assert data(gate, "/api/v1/metrics") == []


def test_status(gate: Gate):
    status = data(gate, "/api/v1/status")

    assert status["build_information"].keys() == {"version", "python"}
    assert status["flags"] == {}
    assert datetime.fromisoformat(status["start_time"]) <= datetime.now(UTC)


def test_wipe_deletes_all_groups_and_nothing_else(gate: Gate):
    gate.put("/metrics/job/a", "m 1\n")
    gate.put("/metrics/job/b", "m 1\n")
    gate.ask("POST", "/push", b'{"shop": "shop_a 1"}')

    assert gate.ask("PUT", "/api/v1/admin/wipe") == Answer(202, "")

    assert gate.served() == ["shop_a 1"]
    assert gate.times() == {}
    assert gate.ask("GET", "/api/v1/admin/wipe").status == 405


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_health(gate: Gate, path: str):
    assert gate.ask("GET", path) == Answer(200, "OK")

    gate.health.down("polling", "it came to a halt")
    assert gate.ask("GET", path) == Answer(503, "polling: it came to a halt\n")
