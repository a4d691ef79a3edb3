"""Client libraries push to a whole proxy as they would to a Pushgateway."""

import gzip
import subprocess
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import (
    basic_auth_handler,
    delete_from_gateway,
    push_to_gateway,
    pushadd_to_gateway,
)

from exporter_proxy.tests.running import Running, Start


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    orders = Counter("orders", "Orders,\n\\ and more", ["kind"], registry=registry)
    orders.labels('a "b"\n\\').inc(3)
    return registry


def gauge(name: str, value: float) -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge(name, "Something", registry=registry).set(value)
    return registry


def gateway(proxy: Running) -> str:
    return f"127.0.0.1:{proxy.http_port}"


def pushed(proxy: Running) -> list[str]:
    """Return what is served of the groups, but not the times of pushing."""
    return [
        line
        for line in proxy.served()
        if not line.startswith("push_") and "_created" not in line
    ]


def curl(proxy: Running, *arguments: str) -> tuple[str, str]:
    """Return the body and the status of an answer."""
    path, *others = arguments
    done = subprocess.run(
        [
            *("curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}"),
            *others,
            f"http://{gateway(proxy)}{path}",
        ],
        capture_output=True,
        check=True,
    )
    body, _, status = done.stdout.decode().rpartition("\n")
    return body, status


def test_python_pushes_adds_and_deletes(proxy: Running, registry: CollectorRegistry):
    push_to_gateway(gateway(proxy), "batch", registry)
    pushadd_to_gateway(gateway(proxy), "batch", gauge("heat", 1.5))
    assert pushed(proxy) == [
        'heat{instance="",job="batch"} 1.5',
        r'orders_total{instance="",job="batch",kind="a \"b\"\n\\"} 3.0',
    ]

    push_to_gateway(gateway(proxy), "batch", gauge("heat", 2))
    assert pushed(proxy) == ['heat{instance="",job="batch"} 2.0']

    delete_from_gateway(gateway(proxy), "batch")
    assert pushed(proxy) == []


def test_python_s_grouping_keys(proxy: Running):
    key = {"path": "/var/tmp", "empty": "", "name": "Προ μη+%", "number": 5}

    push_to_gateway(gateway(proxy), "a/b", gauge("heat", 1), grouping_key=key)
    assert pushed(proxy) == [
        'heat{empty="",instance="",job="a/b",name="Προ μη+%",'
        'number="5",path="/var/tmp"} 1.0'
    ]

    delete_from_gateway(gateway(proxy), "a/b", grouping_key=key)
    assert pushed(proxy) == []


def test_python_s_histogram(proxy: Running):
    registry = CollectorRegistry()
    wait = Histogram("wait", "Waited", registry=registry, buckets=(1, 2))
    wait.observe(1.5)

    push_to_gateway(gateway(proxy), "batch", registry)

    assert pushed(proxy) == [
        'wait_bucket{instance="",job="batch",le="1.0"} 0.0',
        'wait_bucket{instance="",job="batch",le="2.0"} 1.0',
        'wait_bucket{instance="",job="batch",le="+Inf"} 1.0',
        'wait_count{instance="",job="batch"} 1.0',
        'wait_sum{instance="",job="batch"} 1.5',
    ]


def test_python_compresses(proxy: Running):
    push_to_gateway(gateway(proxy), "batch", gauge("heat", 1), compression="gzip")

    assert pushed(proxy) == ['heat{instance="",job="batch"} 1.0']


def test_python_logs_in(start: Start):
    proxy = start('[access.push]\nusers = ["shop:secret"]\n')

    login = partial(basic_auth_handler, username="shop", password="secret")

    with pytest.raises(OSError, match="401"):
        push_to_gateway(gateway(proxy), "batch", gauge("heat", 1))
    push_to_gateway(gateway(proxy), "batch", gauge("heat", 1), handler=login)

    assert pushed(proxy) == ['heat{instance="",job="batch"} 1.0']


def test_curl_posts_a_file(proxy: Running, tmp_path: Path):
    path = tmp_path / "metrics.prom"
    path.write_text("heat 1\n")

    assert curl(proxy, "/metrics/job/a", "--data-binary", f"@{path}") == ("", "200")
    assert curl(proxy, "/metrics/job/b", "--upload-file", f"{path}") == ("", "200")

    path.write_bytes(gzip.compress(b"heat 2\n"))
    packed = ("--data-binary", f"@{path}", "--header", "Content-Encoding: gzip")
    assert curl(proxy, "/metrics/job/c", *packed) == ("", "200")
    assert pushed(proxy) == [
        'heat{instance="",job="a"} 1',
        'heat{instance="",job="b"} 1',
        'heat{instance="",job="c"} 2',
    ]


def test_curl_waits_to_be_let_on_with_a_large_body(proxy: Running, tmp_path: Path):
    path = tmp_path / "metrics.prom"
    path.write_text("".join(f'heat{{n="{number}"}} 1\n' for number in range(90_000)))

    arguments = ("--upload-file", f"{path}", "--header", "Expect: 100-continue")
    assert curl(proxy, "/metrics/job/a", *arguments) == ("", "200")
    assert len(pushed(proxy)) == 90_000


def test_curl_is_told_what_is_wrong(proxy: Running):
    assert curl(proxy, "/metrics/job/a", "--data-binary", "heat one") == (
        "line 1: not a number that Prometheus reads: heat one\n",
        "400",
    )


def test_curl_deletes(proxy: Running):
    curl(proxy, "/metrics/job/a", "--data-binary", "heat 1")

    assert curl(proxy, "/metrics/job/a", "--request", "DELETE") == ("", "202")
    assert pushed(proxy) == []


def test_messages_by_curl(proxy: Running):
    assert curl(proxy, "/push", "--data", '{"shop": "shop_a 1"}') == (
        '{"applications":{"shop":{"ok":true,"series":1}}}\n',
        "200",
    )
    assert pushed(proxy) == ["shop_a 1"]


def test_wiping_is_for_who_may_administer(start: Start):
    proxy = start('[access.admin]\ntokens = ["secret"]\n')
    curl(proxy, "/metrics/job/a", "--data-binary", "heat 1")
    wipe = ("/api/v1/admin/wipe", "--request", "PUT")

    assert curl(proxy, *wipe)[1] == "401"
    login = ("--header", "Authorization: Bearer secret")
    assert curl(proxy, *wipe, *login) == ("", "202")
    assert pushed(proxy) == []
