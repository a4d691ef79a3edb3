"""The README lists what the demo does, and its settings."""

import re
from pathlib import Path

from demo.rsyncd.settings import Settings
from demo.rsyncd.visits import VISITS
from servicekit.settings import declared

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_readme_lists_the_visits():
    listed = re.findall(r"^\| ([a-z][^|]+) \| `(\w+)` \|$", README, re.MULTILINE)
    assert listed == [(visit.what, visit.outcome) for visit in VISITS]


def test_readme_lists_the_settings():
    listed = re.findall(r"^\| `([A-Z_]+)` \| (\S+) \|", README, re.MULTILINE)
    assert dict(listed) == {
        details.env: f"`{details.default}`" if details.default else "-"
        for _, details in declared(Settings)
    }
