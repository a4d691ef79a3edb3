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
