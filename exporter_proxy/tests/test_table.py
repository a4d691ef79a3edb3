"""/apps as a table, as people with curl see it."""

import pytest

from exporter_proxy.serve.summary import Summary, duration, rfc3339
from exporter_proxy.serve.table import table
from exporter_proxy.store.applications import Application, State

NOON = 1_795_262_400.0


def summary(application: Application, *families: str, series: int = 0) -> Summary:
    return Summary(application, NOON, families, series)


def test_the_table_shows_who_sends_what():
    page = table(
        [
            summary(
                Application("http://db:9104/metrics", "poll", "external_poll: db:9104")
            ),
            summary(
                Application(
                    "mailer", "json", "/run/r.sock", State.OK, NOON - 2, series=1
                ),
                "mail_sent",
                "mail_failed",
                series=2,
            ),
            summary(
                Application(
                    "shop",
                    "json",
                    "10.0.0.7:41002",
                    State.FAILING,
                    NOON - 200,
                    series=3,
                    dropped_lines=4,
                    last_error="line 1: not a number: a x",
                )
            ),
        ],
        NOON,
    )

    assert page == (
        "Current time: 2026-11-21 12:00:00 UTC\n"
        "\n"
        "+------------------------+---------------------+-------+"
        "------------------------+---------+--------+\n"
        "| application            | last update (UTC)   | age   |"
        " source                 | state   | series | remarks\n"
        "+------------------------+---------------------+-------+"
        "------------------------+---------+--------+\n"
        "| http://db:9104/metrics | never               |       |"
        " external_poll: db:9104 | waiting | 0      |\n"
        "| mailer                 | 2026-11-21 11:59:58 | 2 s   |"
        " /run/r.sock            | ok      | 1      |"
        " left out, clashing with another application: mail_sent, mail_failed;"
        " 2 series left out, another application sends them as well\n"
        "| shop                   | 2026-11-21 11:56:40 | 3 min |"
        " 10.0.0.7:41002         | failing | 3      |"
        " line 1: not a number: a x; 4 bad lines dropped\n"
        "+------------------------+---------------------+-------+"
        "------------------------+---------+--------+\n"
    )
    assert max(map(len, page.splitlines()[2:5])) <= 120


def test_a_table_without_applications_is_one():
    lines = table([], NOON).splitlines()

    assert len(lines) == 6
    assert lines[3].startswith("| application | last update (UTC) |")


def test_what_others_sent_cannot_forge_a_row():
    forged = Application(
        "a\nb", "json", "here\x1b[2J", last_error="bad: \n| forged | \x85\u2028\u202e"
    )

    page = table([summary(forged)], NOON)

    assert r"| a\nb " in page
    assert r"bad: \n| forged | \x85\u2028\u202e" in page
    assert page.isascii()
    assert len(page.splitlines()) == 7


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86400, "1 d"),
        (10**8, "1157 d"),
    ],
)
def test_durations_are_short(seconds: float, shown: str):
    assert duration(seconds) == shown


def test_moments_are_rfc_3339():
    assert rfc3339(NOON + 0.1234) == "2026-11-21T12:00:00.123Z"
    assert rfc3339(None) is None
