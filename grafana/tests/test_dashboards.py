"""The dashboards, as far as can be told without Grafana: their form and queries."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack import eventually, query

FOLDER = Path(__file__).parents[1]
type Panel = dict[str, Any]
DASHBOARDS = {
    path.stem: json.loads(path.read_text())
    for path in (FOLDER / "dashboards").glob("*.json")
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
QUERIES = [
    pytest.param(target["expr"], id=f"{param.id}: {target['refId']}")
    for param in PANELS
    for target in param.values[0]["targets"]
]
# Counted only where a setting asks for it.
OPTIONAL = {"rsyncd_client_bytes_total"}
METRICS = {
    name
    for param in QUERIES
    for name in re.findall(r"\brsync(?:d|_exporter)?_[a-z_]+", param.values[0])
} - OPTIONAL
# What Grafana puts in place of its variables, for one hour on a screen.
VARIABLES = {"$module": ".*", "$__rate_interval": "5m", "$__range": "1h"}


def filled_in(expression: str) -> str:
    """Return the query as Grafana sends it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(dashboard: Panel):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels)
    overlaps = [
        (one["title"], other["title"])
        for one, other in combinations(panels, 2)
        if overlap(one["gridPos"], other["gridPos"])
    ]
    assert not overlaps


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Return whether two places on the grid share one."""
    return all(
        one[start] < other[start] + other[size]
        and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize("panel", PANELS)
def test_panel_says_what_it_shows_in_which_unit_and_of_what(panel: Panel):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == datasource()["uid"]
    if panel["type"] != "stat":
        assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("panel", PANELS)
def test_panel_heeds_the_chosen_module_wherever_there_is_one(panel: Panel):
    """A metric of modules that is summed over all of them would mislead."""
    for target in panel["targets"]:
        for selector in re.findall(r"rsyncd_\w+(?:\{[^}]*\})?", target["expr"]):
            assert "$module" in selector or selector.startswith(OF_NO_MODULE)


OF_NO_MODULE = (
    "rsyncd_client_bytes",
    "rsyncd_connections_without_request",
    "rsyncd_daemon",
    "rsyncd_module_list",
    "rsyncd_sessions_active{module=",
    "rsyncd_unknown_module",
)


def test_grafana_finds_the_dashboards_where_compose_mounts_them():
    compose = yaml.safe_load((FOLDER.parent / "docker-compose.yml").read_text())
    mounts = [
        mount.split(":")[:2] for mount in compose["services"]["grafana"]["volumes"][:2]
    ]
    places = dict(reversed(pair) for pair in mounts)
    provider = yaml.safe_load(
        (FOLDER / "provisioning/dashboards/belfry.yml").read_text()
    )["providers"][0]
    assert places[provider["options"]["path"]] == "./grafana/dashboards"
    assert places["/etc/grafana/provisioning"] == "./grafana/provisioning"
    home = compose["services"]["grafana"]["environment"][
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
    ]
    assert (FOLDER / "dashboards" / Path(home).name).is_file()


def datasource() -> dict[str, Any]:
    """Return the source of data that Grafana is given."""
    path = FOLDER / "provisioning/datasources/prometheus.yml"
    source: dict[str, Any] = yaml.safe_load(path.read_text())["datasources"][0]
    return source


@pytest.mark.stack
@pytest.mark.parametrize("expression", QUERIES)
def test_prometheus_answers_the_query(expression: str):
    query(filled_in(expression))


@pytest.mark.stack
@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_panel_looks_at_a_metric_that_is_there(metric: str):
    assert eventually(lambda: query(f"count({metric})"), 30)
