import json

import pytest

from benchmarks.report import Figures, Measure, Report, json_line, markdown

PUSHES = Measure("pushes", "pushes/s", 100, more_is_better=True)
SCRAPE = Measure("scrape", "s", 20)
MEMORY = Measure("memory", "MB", 1000)


def figures(who: str, measure: Measure, *values: float) -> Figures:
    found = Figures()
    for value in values:
        found.add(who, [(measure, value)])
    return found


def test_ratio_of_medians_says_how_many_times_more_ours_does():
    found = figures("ours", PUSHES, 1400, 1600, 1500)
    for value in (15, 10, 14):
        found.add("peer", [(PUSHES, value)])
    row = found.row(PUSHES, "ours", "peer")
    assert (row.ours, row.peer) == (1500, 14)
    assert row.ratio == pytest.approx(107.14, 1e-3)
    assert row.ratios == pytest.approx((93.33, 160, 107.14), rel=1e-3)
    assert row.met is True


def test_ratio_says_how_many_times_less_ours_takes():
    found = figures("ours", SCRAPE, 0.02)
    found.add("peer", [(SCRAPE, 0.3)])
    row = found.row(SCRAPE, "ours", "peer")
    assert row.ratio == pytest.approx(15)
    assert row.met is False


@pytest.mark.parametrize(("value", "met"), [(900.0, True), (1100.0, False)])
def test_alone_the_target_is_in_its_unit(value: float, met: bool):
    row = figures("ours", MEMORY, value).row(MEMORY, "ours")
    assert (row.ratio, row.peer, row.peer_name, row.met) == (None, None, None, met)


def test_without_a_target_nothing_is_met_or_missed():
    measure = Measure("memory", "MB")
    assert figures("ours", measure, 5).row(measure, "ours").met is None


def test_missing_figure_is_named():
    with pytest.raises(KeyError, match="peer: memory"):
        figures("ours", MEMORY, 5).row(MEMORY, "ours", "peer")


def test_json_is_one_line_with_the_fields_everybody_expects():
    report = Report("bench", [figures("ours", MEMORY, 900.123).row(MEMORY, "ours")])
    line = json_line(report, "2 cores", "2026-11-22")
    assert "\n" not in line
    assert json.loads(line) == {
        "benchmark": "bench",
        "machine": "2 cores",
        "date": "2026-11-22",
        "rows": [
            {
                "what": "memory",
                "unit": "MB",
                "ours": 900.1,
                "peer": None,
                "peer_name": None,
                "ratio": None,
                "target": 1000,
                "met": True,
            }
        ],
    }


def test_table_has_ratios_first():
    found = figures("ours", SCRAPE, 0.0123)
    found.add("peer", [(SCRAPE, 0.333)])
    report = Report("bench", [found.row(SCRAPE, "ours", "peer")], ["A remark."])
    lines = markdown(report, "2 cores", "2026-11-22").splitlines()
    assert "| ratio | what | ours | peer | target |" in lines
    assert (
        "| **27.1** (27.1 to 27.1) | scrape | 0.0123 s | 0.333 s (peer) "
        "| 20.0 times: met |" in lines
    )
    assert lines[-2] == "A remark."
