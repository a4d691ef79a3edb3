"""The rules, by Prometheus' own tool, and what that tool does not look at."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.stack import SERVICES, eventually, query

FOLDER = Path(__file__).parents[1]
RULES = [
    rule
    for file in (FOLDER / "rules").glob("*.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
METRICS = {
    metric
    for rule in RULES
    for metric in re.findall(rf"(?:{'|'.join(SERVICES)}|rsyncd?)_[a-z_]+", rule["expr"])
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_how_bad_it_is_and_how_to_mend_it(
    rule: dict[str, dict[str, str]],
):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "mend"}


def test_every_alert_is_tested_and_explained():
    alerts = {rule["alert"] for rule in RULES}
    tested = "".join(file.read_text() for file in FOLDER.glob("*_test.yml"))
    explained = (FOLDER / "README.md").read_text()
    fired = set(re.findall(r'alertname="(\w+)", alertstate="firing"', tested))
    assert fired | {"TargetDown"} == alerts
    assert (
        set(
            re.findall(
                r"^\| (\w+) \| (?:critical|warning|info) ", explained, re.MULTILINE
            )
        )
        == alerts
    )


@pytest.mark.stack
def test_promtool_finds_no_fault():
    ended = subprocess.run(
        [FOLDER / "check"], capture_output=True, text=True, timeout=180, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.stack
@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_rule_looks_at_a_metric_that_is_there(metric: str):
    assert eventually(lambda: query(f"count({metric})"), 30)
