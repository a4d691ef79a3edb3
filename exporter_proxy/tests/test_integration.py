"""The stack's proxy, pushed to by strangers, and what Prometheus makes of it."""

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from exporter_proxy.tests import strict_reader
from exporter_proxy.tests.test_grammar import ACCEPTED

pytestmark = pytest.mark.integration

PROXY = "http://exporter_proxy:6555"
PROMETHEUS = "http://prometheus:9090"
COMPOSE_EXEC = ("docker", "compose", "exec", "-T")
FRAGMENTS = (
    *("integration_test_a", "integration_test_b", "integration_test_h_bucket"),
    *("# TYPE integration_test_h histogram\n", "# HELP integration_test_a text\n"),
    *("# TYPE integration_test_a gauge\n", '{le="1"}', '{x="1 2"}', '{y="\\\\"}'),
    *(" 1\n", " 2\n", " NaN\n", " +Inf\n", " 1e3\n", " 7 1700000000000\n", "\n"),
    *(" ", "1", "é", "\0", "\r\n", '"', "{", "}", "#", "shop_visitors", " 1e999\n"),
)
APPLICATIONS = ("integration_test", "integration_test_other")


def eventually[T](probe: Callable[[], T], seconds: float = 40) -> T:
    """Return what the probe finds as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


def push(**bodies: str | list[str]) -> None:
    """Push as the manual says: by netcat, which closes when all is sent."""
    subprocess.run(
        ["nc", "-q", "0", "exporter_proxy", "6554"],
        input=json.dumps(bodies).encode(),
        check=True,
        timeout=10,
    )


def served() -> list[str]:
    return requests.get(f"{PROXY}/metrics", timeout=5).text.splitlines()


def query(expression: str) -> dict[str, float]:
    """Return Prometheus' present values by metric name and its label ``n``."""
    answer = requests.get(
        f"{PROMETHEUS}/api/v1/query", params={"query": expression}, timeout=5
    ).json()
    return {
        found["metric"].get("n", found["metric"].get("__name__", "")): float(
            found["value"][1]
        )
        for found in answer["data"]["result"]
    }


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Take back what a test pushed."""
    yield
    push(**dict.fromkeys(APPLICATIONS, ""))


def test_a_push_by_netcat_is_served():
    push(integration_test=["# TYPE integration_test gauge", "integration_test 1"])

    eventually(lambda: "integration_test 1" in served())
    apps = requests.get(f"{PROXY}/apps", timeout=5).text
    assert "| integration_test " in apps


def test_a_bad_push_changes_nobody_s_lines():
    push(integration_test="integration_test 1", integration_test_other="other_ok 1")
    eventually(lambda: "integration_test 1" in served())

    push(integration_test="integration_test 2\nthis is no metric")

    eventually(
        lambda: "this is no metric" in requests.get(f"{PROXY}/apps", timeout=5).text
    )
    lines = served()
    assert "integration_test 1" in lines
    assert "other_ok 1" in lines
    assert any(line.startswith("shop_orders_total{") for line in lines)


def test_prometheus_sees_what_the_demo_s_applications_push_and_are_polled_for():
    names = {
        "shop_visitors",  # by TCP, JSON text
        "mailer_queue_length",  # by Unix socket, JSON lines
        "backup_size_bytes",  # by TCP, Cap'n Proto
        "boiler_room_temperature_celsius",  # polled
    }
    expression = f'{{__name__=~"{"|".join(names)}",job="exporter_proxy"}}'

    eventually(lambda: names <= query(expression).keys())
    assert query('up{job="exporter_proxy"}') == {"up": 1}


def test_whatever_is_pushed_prometheus_reads_what_is_served():
    """Bodies put together at random, by many applications, for some scrapes."""
    chance = random.Random(20261122)
    marker, started = int(time.time()), time.monotonic()
    for number in range(300):
        body = "".join(chance.choices(FRAGMENTS, k=chance.randint(1, 40)))
        push(**{APPLICATIONS[number % 2]: body})
        served_now = requests.get(f"{PROXY}/metrics", timeout=5).content
        strict_reader.read(served_now)
    checked = subprocess.run(
        [*COMPOSE_EXEC, "prometheus", "promtool", "check", "metrics"],
        input=served_now,
        capture_output=True,
        check=False,
        timeout=30,
    )
    # 1: it cannot be read; 3: it can, and has no HELP or an unusual name.
    assert checked.returncode in (0, 3), checked.stderr.decode()

    push(integration_test=f'integration_test_marker{{n="marker"}} {marker}')
    eventually(lambda: query("integration_test_marker").get("marker") == marker)
    took = int(time.monotonic() - started) + 1
    assert query(f'min_over_time(up{{job="exporter_proxy"}}[{took}s])') == {"": 1}


def test_prometheus_reads_everything_that_is_accepted():
    """Each row of the grammar becomes a series, and none costs the scrape."""
    marker = int(time.time())
    lines = [
        line.replace(b"a", b"integration_test_%d" % row, 1)
        for row, (line, _, _) in enumerate(ACCEPTED)
        if line.strip().startswith(b"a")
    ]

    push(integration_test=[line.decode() for line in lines])
    push(integration_test_other=f'integration_test_marker{{n="marker"}} {marker}')

    def marked() -> bool:
        return query("integration_test_marker").get("marker") == marker

    eventually(marked)
    assert query('up{job="exporter_proxy"}') == {"up": 1}
    found = query('{__name__=~"integration_test_[0-9].*"}')
    assert len(found) == len(lines)
