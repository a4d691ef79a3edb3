"""Recorded logs, and what the exporter must tell of each: every sample, exactly.

The tables come from data/expected.awk and from what the clients were told to do; see
data/README.md. Nothing of the exporter had a part in them.
"""

import os
import re
import subprocess
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.rsyncd.log_format import LogFormat
from rsync_exporter.tests.telling import IN_UTC, Samples, Telling

DATA = Path(__file__).parent / "data"

CUSTOM_FORMAT = LogFormat.compile(
    b"%o %i %h %a %m user=%u %b/%l %c pid=%p mode=%B mtime=%M %t"
    b" P=%P f=%f%L n=%n C=%C %%"
)

# How lines were read is in the table too.
OF_THE_EXPORTER = re.compile(r"rsync_exporter_(?!lines_total)")

# Each of these begins a record that a daemon wrote; forged ones are of 2017.
RECORD_START = re.compile(rb"^(?=2026/11/21 )", re.MULTILINE)


@dataclass(frozen=True)
class Recording:
    """One log, which may lie in several files.

    sessions: the table of what its sessions were.
    separator: what stands between two records, and further words for expected.awk.
    """

    name: str
    sessions: str
    files: tuple[str, ...] = ()
    log_format: LogFormat | None = None
    separator: tuple[str, ...] = (r"RS=\n2026/11/21 ",)

    def paths(self) -> list[Path]:
        """Return the files of the log."""
        return [DATA / name for name in self.files or (f"{self.name}.log",)]

    def telling(self) -> Telling:
        """Return an exporter that knows the log's format."""
        if self.log_format is None:
            return Telling()
        return Telling(replace(IN_UTC, log_format=self.log_format))

    def expected(self) -> Samples:
        """Return every sample that is not zero."""
        lines = (DATA / f"{self.name}.expected").read_text("ascii").splitlines()
        return {
            name: float(value) for name, _, value in (x.rpartition(" ") for x in lines)
        }


WITH_CUT_MESSAGES = (r"RS=\n?2026/11/21 ", "glued=2")
RECORDINGS = {
    recording.name: recording
    for recording in (
        Recording("rsyncd_default_raw", "scenarios_usual.tsv"),
        Recording("rsyncd_transferlog_raw", "scenarios_usual.tsv"),
        Recording(
            "rsyncd_custom_format_raw", "scenarios_usual.tsv", log_format=CUSTOM_FORMAT
        ),
        Recording(
            "rsyncd_odd_raw",
            "scenarios_odd.tsv",
            files=("rsyncd_odd_raw.log", "rsyncd_odd_raw.permod.log"),
        ),
        Recording("rsyncd_3.2.7_raw", "scenarios_3.2.7.tsv"),
        Recording(
            "cut_message_3.5.0", "scenarios_cut.tsv", separator=WITH_CUT_MESSAGES
        ),
        Recording(
            "cut_message_3.2.7", "scenarios_cut.tsv", separator=WITH_CUT_MESSAGES
        ),
        Recording("disk_full", "scenarios_full.tsv"),
    )
}
EACH_RECORDING = pytest.mark.parametrize(
    "recording", RECORDINGS.values(), ids=RECORDINGS
)


def assert_table(recording: Recording, telling: Telling) -> None:
    """Compare what is told, but for the exporter itself, to the table."""
    told, expected = telling.at_the_end(), recording.expected()
    names = {name for name in told if not OF_THE_EXPORTER.match(name)} | expected.keys()
    differing = {
        name: f"expected {expected.get(name)}, told {told.get(name)}"
        for name in names
        if expected.get(name) != told.get(name)
    }
    assert not differing


@EACH_RECORDING
def test_what_is_told_is_the_table(recording: Recording):
    telling = recording.telling()
    for path in recording.paths():
        telling.read(path.read_bytes(), file=path.name)
    assert_table(recording, telling)


@EACH_RECORDING
def test_the_table_is_what_its_commands_say(recording: Recording):
    sources = (recording.sessions, *recording.separator, *recording.paths())
    awk = subprocess.run(
        ["awk", "-f", "expected.awk", *map(str, sources)],
        cwd=DATA,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC0"},
        capture_output=True,
        check=True,
        timeout=10,
    )
    table = (DATA / f"{recording.name}.expected").read_bytes().splitlines()
    assert sorted(awk.stdout.splitlines()) == sorted(table)


@EACH_RECORDING
def test_byte_by_byte_it_is_the_same(recording: Recording):
    telling = recording.telling()
    for path in recording.paths():
        log = path.read_bytes()
        bytes_of_it = (log[place : place + 1] for place in range(len(log)))
        telling.read(*bytes_of_it, file=path.name)
    assert_table(recording, telling)


@EACH_RECORDING
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_cut_anywhere_it_is_the_same(recording: Recording, data: st.DataObject):
    telling = recording.telling()
    for path in recording.paths():
        log = path.read_bytes()
        cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=20).map(sorted))
        pieces = (log[a:b] for a, b in pairwise([0, *cuts, len(log)]))
        telling.read(*pieces, file=path.name)
    assert_table(recording, telling)


@EACH_RECORDING
def test_read_after_each_write_it_is_the_same(recording: Recording):
    """The daemon writes record by record, and is caught up with each time."""
    telling = recording.telling()
    for path in recording.paths():
        for record in RECORD_START.split(path.read_bytes()):
            telling.read(record, file=path.name, ends=record.endswith(b"\n"))
            telling.account.elapse()
    assert_table(recording, telling)


@EACH_RECORDING
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_stopped_and_started_anywhere_it_is_the_same(
    recording: Recording, data: st.DataObject
):
    telling = recording.telling()
    for path in recording.paths():
        lines = path.read_bytes().splitlines(keepends=True)
        stop = data.draw(st.integers(0, len(lines)))
        telling.read(*lines[:stop], file=path.name, ends=False)
        telling.restart()
        telling.read(*lines[stop:], file=path.name)
    assert_table(recording, telling)
