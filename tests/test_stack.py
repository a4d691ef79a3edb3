"""What a person sees a few minutes after ``make up``: every system shows real data."""

import json
import os
import urllib.request
from base64 import b64encode

import pytest
import yaml

from tests.stack import (
    ADDRESS,
    REPOSITORY,
    SERVICES,
    eventually,
    get,
    query,
    rows,
    total,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(330)]

# Everything is there within five minutes of the first start; mostly much sooner.
FIRST_MINUTES = 300


def test_every_target_of_prometheus_is_up():
    up = eventually(lambda: query("up"), FIRST_MINUTES)
    down = eventually(lambda: [] if query("up == 0") else ["none"], FIRST_MINUTES)
    assert down == ["none"]
    jobs = {json.loads(labels)["job"] for labels in up}
    assert {*SERVICES, "prometheus", "mysqld_exporter", "rabbitmq"} <= jobs


@pytest.mark.parametrize(
    "expression",
    [
        "count(mysql_connections_by_host) >= 4",
        "mysql_global_status_commands_total",
        "mysql_up == 1",
        "rate(rsync_executions_total[5m]) > 0",
        "rate(rsync_data_sent_bytes_total[5m]) > 0",
        "increase(interceptor_connections_inserted_total[5m]) > 0",
        'increase(esnet_collector_messages_total{outcome="acknowledged"}[5m]) > 0',
        'increase(site_checker_checks_total{result="success"}[5m]) > 0',
        'increase(site_checker_checks_total{result="failure"}[5m]) > 0',
        'increase(db_writer_rows_total{outcome="new"}[5m]) > 0',
        "rabbitmq_queues",
    ],
)
def test_prometheus_has(expression: str):
    eventually(lambda: query(expression), FIRST_MINUTES)


def test_connections_by_host_are_counted_from_the_table():
    def agreeing() -> bool:
        stored = rows("mysql", "SELECT COUNT(*) FROM interceptor.connections")
        shown = total("mysql_connections_by_host")
        return 0 < shown <= int(stored[0][0])

    eventually(agreeing, FIRST_MINUTES)


def test_every_demo_site_has_results_the_down_one_included():
    config = yaml.safe_load((REPOSITORY / "demo/sites/config.yaml").read_text())
    wanted = {check["url"] for check in config["checks"]}

    def all_stored() -> bool:
        found = rows(
            "postgres", "SELECT DISTINCT url FROM checks JOIN results USING (check_id)"
        )
        assert {url for (url,) in found} >= wanted
        return True

    eventually(all_stored, FIRST_MINUTES)
    down = rows(
        "postgres",
        "SELECT count(*) FROM checks JOIN results USING (check_id)"
        " WHERE url LIKE '%down.demo%' AND NOT success AND code IS NULL",
    )
    assert int(down[0][0]) > 0


def test_interfaces_are_in_mysql_with_moving_cursors():
    def collected() -> bool:
        found = rows(
            "mysql",
            "SELECT COUNT(*), SUM(traffic_until IS NOT NULL)"
            " FROM esnet.esnet_interfaces WHERE status = '1' AND active_until IS NULL",
        )
        return int(found[0][0]) >= 50 and int(found[0][1]) >= 50

    eventually(collected, FIRST_MINUTES)


def test_the_demo_queue_holds_messages_of_both_kinds():
    def kinds() -> set[str]:
        return {message["routing_key"] for message in waiting_messages("esnet_demo")}

    eventually(lambda: kinds() >= {"esnet_interfaces", "esnet_traffic"}, FIRST_MINUTES)
    for message in waiting_messages("esnet_demo"):
        body = json.loads(message["payload"])
        assert isinstance(body["timestamp"], int)
        assert message["properties"]["delivery_mode"] == 2
        if message["routing_key"] == "esnet_traffic":
            assert set(body) == {"name", "recordType", "timestamp", "in", "out"}


def waiting_messages(queue: str) -> list[dict]:
    """Look at a queue's messages by the management API, and put them back."""
    login = b64encode(f"esnet:{os.environ['RABBITMQ_PASSWORD']}".encode()).decode()
    request = urllib.request.Request(
        f"http://{ADDRESS}:15672/api/queues/%2F/{queue}/get",
        data=json.dumps(
            {"count": 50_000, "ackmode": "ack_requeue_true", "encoding": "auto"}
        ).encode(),
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("port", "path", "expected"),
    [
        (9090, "/-/ready", "Ready"),
        (8000, "/metrics", "mysql_connections_by_host{"),
        (8000, "/healthz", '"healthy": true'),
        (8080, "/metrics", "rsync_connections_total "),
        (9104, "/metrics", "mysql_global_status_commands_total{"),
        (6555, "/metrics", "# TYPE "),
        (6555, "/apps", "external_poll: "),
        (6555, "/healthz", '"healthy": true'),
        (15672, "/", "RabbitMQ"),
    ],
)
def test_published_address_answers(port: int, path: str, expected: str):
    def answered() -> bool:
        status, body = get(port, path)
        assert status == 200
        assert expected in body
        return True

    eventually(answered, FIRST_MINUTES)


def test_every_demo_application_reaches_prometheus():
    _, table = get(6555, "/apps")
    for name in ("shop", "mailer", "backup"):
        assert name in table
        eventually(
            lambda name=name: query(f'{{__name__=~"{name}_.+", job="exporter_proxy"}}'),
            FIRST_MINUTES,
        )


def test_no_alert_goes_on_firing():
    """What was lost or silent in a test of outages is looked back at for 5 minutes."""
    eventually(lambda: not query('ALERTS{alertstate="firing"}'), FIRST_MINUTES)
