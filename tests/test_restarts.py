"""Restarting one server leaves every service healthy and working within a minute."""

import pytest

from tests.stack import SERVICES, compose, containers, eventually, execute, total

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

PATIENCE_SECONDS = 60

# What has to grow again after the restart, for the server's users to be working.
PROGRESS = {
    "mysql": (
        "interceptor_connections_inserted_total",
        "host_exporter_last_success_timestamp_seconds",
    ),
    "postgres": ('db_writer_rows_total{outcome="new"}',),
    "kafka": (
        'db_writer_rows_total{outcome="new"}',
        "site_checker_results_delivered_total",
    ),
    "redis": (
        "site_checker_results_delivered_total"
        ' * on (job) site_checker_redis_mode{mode="shared"}',
    ),
    "rabbitmq": ('esnet_collector_messages_total{outcome="acknowledged"}',),
}


@pytest.mark.parametrize("server", PROGRESS)
def test_all_is_well_again_within_a_minute(server: str):
    eventually(everything_is_healthy, PATIENCE_SECONDS)
    compose("restart", server)
    before = {expression: total(expression) for expression in PROGRESS[server]}
    eventually(everything_is_healthy, PATIENCE_SECONDS)
    for expression, value in before.items():
        eventually(lambda e=expression, v=value: total(e) > v, PATIENCE_SECONDS)


def everything_is_healthy() -> bool:
    """Ask each service itself too: Docker's own opinion is up to half a minute old."""
    unwell = {name: state for name, state in containers().items() if state != "healthy"}
    assert not unwell
    for service in SERVICES:
        answer = execute(
            *("docker", "compose", "exec", "-T", service),
            *("python", "-m", "servicekit.healthcheck"),
        )
        assert answer.returncode == 0, f"{service}: {answer.stdout}"
    return True
