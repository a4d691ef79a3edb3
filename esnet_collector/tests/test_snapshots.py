"""Interfaces that come and go, and snapshots of them that are wrong or missing."""

import json
from collections.abc import Callable

import pytest

from esnet_collector.tests.program import Program
from esnet_collector.tests.stack import Bus, Database
from esnet_collector.tests.website import Answer, Website

pytestmark = pytest.mark.integration


class Api:
    """An API whose interfaces come and go; each has a point every half minute."""

    def __init__(self, website: Website, *names: str) -> None:
        self.names = set(names)
        self.url = website.url
        website.answer = self._answer

    def _answer(self, target: str) -> Answer:
        if target.endswith("/interfaces"):
            listed = [{"resource": name} for name in sorted(self.names)]
            return Answer(body=json.dumps(listed).encode())
        begin, end = (
            int(part.split("=")[1]) for part in target.split("?")[1].split("&")
        )
        found = [
            [time_ms, 1, 2]
            for time_ms in range(begin - begin % 30_000, end + 1, 30_000)
        ]
        series = {"columns": ["time", "in", "out"], "points": found}
        return Answer(body=json.dumps(series).encode())


def test_an_interface_is_closed_drained_and_opened_again(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    names = [f"devices/a/interfaces/{n}" for n in range(10)]
    api = Api(website, *names)
    program = make_program(api.url, bus).with_(
        INVENTORY_INTERVAL_SECONDS=1, MISSING_SNAPSHOTS=2, BACKFILL_SECONDS=300
    )
    gone = names[3]
    with program.running() as collector:
        collector.await_line("interfaces changed opened=10 closed=0")
        api.names.remove(gone)
        collector.await_line("interfaces changed opened=0 closed=1")
        collector.await_line("pass done")
        (row,) = database.rows(f"name = '{gone}'")
        others = database.rows("status = '1'")
        assert row["status"] == "0"
        assert len(others) == 9
        assert all(row["active_until"] < each["last_seen"] for each in others)
        assert row["traffic_until"] >= row["active_until"] or (
            int(row["active_until"]) - int(row["traffic_until"]) < 30_000
        )
        api.names.add(gone)
        collector.await_line("interfaces changed opened=1 closed=0")
        collector.terminate()
    old, new = database.rows(f"name = '{gone}'")
    assert (old["status"], new["status"]) == ("0", "1")
    assert old == row | {key: old[key] for key in old if key.endswith("_until")}
    assert int(new["active_from"]) > int(old["active_until"])


def test_a_snapshot_cut_short_closes_nothing(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    names = [f"devices/a/interfaces/{n}" for n in range(10)]
    api = Api(website, *names)
    program = make_program(api.url, bus).with_(MISSING_SNAPSHOTS=1)
    assert program.once().returncode == 0
    api.names -= set(names[5:])
    result = program.once()
    assert result.returncode == 0
    assert "snapshot held, too much is missing known=10 missing=5" in result.stdout
    api.names.clear()
    assert "known=10 missing=10" in program.once().stdout
    assert len(database.rows("status = '1'")) == 10
    api.names = set(names[:9])
    assert "opened=0 closed=1" in program.once().stdout


def test_without_a_snapshot_known_interfaces_go_on(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    api = Api(website, "devices/a/interfaces/b")
    program = make_program(api.url, bus)
    assert program.with_(SETTLE_SECONDS=1200).once().returncode == 0
    series = website.answer

    def answer(target: str) -> Answer:
        return Answer(404) if target.endswith("/interfaces") else series(target)

    website.answer = answer
    result = program.once()
    assert result.returncode == 0
    assert "no snapshot of the interfaces" in result.stdout
    (row,) = database.rows()
    assert int(row["active_from"]) - int(row["traffic_until"]) < 30_000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(503), "HTTP 503 Service Unavailable"),
        (Answer(404), "HTTP 404"),
        (Answer(200), "empty body"),
        (Answer(200, b"[]"), "none is listed"),
        (Answer(200, b"[{"), "no JSON"),
    ],
)
def test_an_api_without_interfaces_ends_the_pass_with_its_reason(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
    answer: Answer,
    reason: str,
) -> None:
    bus.declare()
    website.says(answer)
    result = make_program(website.url, bus).once()
    assert result.returncode == 1
    assert f"the pass failed: interfaces: {reason}" in result.stdout
    assert "Traceback" not in result.stdout
    assert database.rows() == []
