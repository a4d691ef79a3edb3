"""The table for people."""

from db_writer.statistics import MOST_CHECKS, CheckSummary, report
from db_writer.tests.helpers import NOON

WELL = CheckSummary(
    check_id=1,
    url="https://www.example/",
    expected_code=200,
    regexp="",
    last_created=NOON,
    last_success=True,
    last_code=200,
    last_reason="ok",
    last_response_time=0.12345,
    results=1440,
    successes=1439,
)
DOWN = WELL._replace(
    check_id=12,
    regexp="a+",
    last_success=False,
    last_code=None,
    last_reason="connect",
    results=0,
    successes=0,
)


def test_each_check_has_a_line():
    assert list(report([WELL, DOWN])) == [
        "check  last result (UTC)    verdict  code  seconds  in 24 h  good   url",
        "1      2025-06-01 12:00:00  good     200   0.123    1440     99.9%"
        "  https://www.example/ answering 200",
        "12     2025-06-01 12:00:00  connect  -     0.123    0        -    "
        "  https://www.example/ matching 'a+'",
    ]


def test_nothing_stored_is_said():
    assert list(report([]))[1:] == ["(nothing is stored yet)"]


def test_a_cut_is_said():
    *_, last = report([WELL] * MOST_CHECKS)
    assert last == f"({MOST_CHECKS} checks, those with the latest results)"
