"""The demo in the running stack: what an operator's dashboard has to show."""

import json

import pytest

from demo.rsyncd.visits import VISITS
from tests.stack import eventually, query

# A connection without a request is given up after five minutes.
FIRST_MINUTES = 6 * 60


@pytest.mark.stack
@pytest.mark.timeout(FIRST_MINUTES + 60)
def test_every_outcome_is_shown():
    wanted = {visit.outcome for visit in VISITS}

    def all_shown() -> bool:
        series = query("sum by (outcome) (rsyncd_sessions_total) > 0")
        missing = wanted - {json.loads(labels)["outcome"] for labels in series}
        assert not missing
        return True

    eventually(all_shown, FIRST_MINUTES)


@pytest.mark.stack
@pytest.mark.timeout(FIRST_MINUTES + 60)
@pytest.mark.parametrize(
    "expression",
    [
        'rsyncd_sessions_total{module="photo album", outcome="ok"} > 0',
        'rsyncd_file_transferred_bytes_total{module="releases"} > 0',
        'rsyncd_max_connections{module="narrow"} == 1',
        'rsyncd_client_bytes_total{direction="sent"} > 0',
    ],
)
def test_what_the_exporter_knows_by_its_settings_is_shown(expression: str):
    eventually(lambda: query(expression), FIRST_MINUTES)
