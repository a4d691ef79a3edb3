"""A client library pushes to the stack's proxy, and Prometheus has it."""

from collections.abc import Iterator

import pytest
import requests
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import delete_from_gateway, push_to_gateway

from exporter_proxy.tests.test_integration import PROMETHEUS, PROXY, eventually

pytestmark = pytest.mark.integration

JOB = "integration_test_push"
GROUP = {"path": "/var/tmp"}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Take back what a test pushed."""
    yield
    delete_from_gateway(PROXY, JOB, GROUP)


def found(expression: str) -> list[dict[str, str]]:
    answer = requests.get(
        f"{PROMETHEUS}/api/v1/query", params={"query": expression}, timeout=5
    ).json()
    return [each["metric"] for each in answer["data"]["result"]]


def test_prometheus_has_what_was_pushed_under_the_group_s_labels_only():
    registry = CollectorRegistry()
    Gauge("integration_test_heat", "Of a test", registry=registry).set(1)

    push_to_gateway(PROXY, JOB, registry, GROUP)

    series = eventually(lambda: found(f'{{job="{JOB}",__name__!~"push_.*"}}'))
    assert series == [{"__name__": "integration_test_heat", "job": JOB, **GROUP}]
    names = {each["__name__"] for each in found(f'{{job="{JOB}"}}')}
    assert {"push_time_seconds", "push_failure_time_seconds"} <= names
    assert found('up{job="exporter_proxy"} == 1')
