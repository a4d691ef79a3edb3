"""A log whose reader is started again: it goes on where the last one stopped."""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rsync_exporter.tail.closing import MAX_OPEN_FILES
from rsync_exporter.tail.place import HEAD_BYTES
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import Log

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_restart_goes_on_through_any_number_of_rotations(log: Log, suffix: str):
    log.write(b"one")
    assert log.read() == [b"one"]
    state = log.state()
    for number in range(3 * MAX_OPEN_FILES):
        log.write(b"%d" % number)
        old = log.rename()
        packed = Path(f"{old}.gz")  # what counts is what is in it
        packed.write_bytes(PACKERS[suffix](old.read_bytes()))
        shutil.copystat(old, packed)
        old.unlink()
    log.write(b"last")
    log.restart(state)
    expected = [b"%d" % number for number in range(3 * MAX_OPEN_FILES)]
    assert log.read() == [*expected, b"last"]
    assert log.progress().lost_bytes == 0
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []
    log.restart()
    assert log.read() == []


def test_a_poll_over_many_plain_files_ends(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    state = log.state()
    for number in range(3 * MAX_OPEN_FILES):
        log.write(b"%d" % number)
        log.rename()
    log.write(b"last")
    log.restart(state)
    expected = [b"%d" % number for number in range(3 * MAX_OPEN_FILES)]
    assert log.read() == [*expected, b"last"]
    assert log.progress().open_files <= MAX_OPEN_FILES + 1


def test_a_state_is_consistent_between_any_two_chunks(log: Log):
    log.path.touch()
    assert log.read() == []
    lines = [b"%07d" % number for number in range(400_000)]
    log.write(*lines)
    chunks = log.followers.poll()
    counted = list(next(chunks).lines)
    log.restart()
    assert counted + log.read() == lines


def test_an_unended_line_waits_over_a_restart(log: Log):
    log.write_raw(b"one\ntw")
    assert log.read() == [b"one"]
    state = log.state()
    log.write_raw(b"o\n")
    log.restart(state)
    assert log.read() == [b"two"]


def test_streams_stay_the_same_over_restarts(log: Log):
    log.write(b"one")
    [one] = log.chunks()
    log.rename().open("ab").close()
    log.write(b"two")
    [two] = log.chunks()
    log.restart()
    with Path(f"{log.path}.1").open("ab") as session:
        session.write(b"late\n")
    log.write(b"new")
    late, new = log.chunks()
    assert (late.stream, new.stream) == (one.stream, two.stream)
    assert (late.lines, new.lines) == ([b"late"], [b"new"])


def test_a_checkpointed_file_that_is_gone_is_told_once(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(*[b"a line"] * 200_000)
    size = log.path.stat().st_size
    next(log.followers.poll())
    read_bytes = log.progress().read_bytes
    state = log.state()
    log.path.unlink()
    log.write(b"new")
    log.restart(state)
    assert log.read() == [b"new"]
    for _ in range(3):
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
    assert log.progress().lost_bytes == size - read_bytes
    assert caplog.text.count("is gone") == 1


def test_a_log_that_lost_its_end_while_nobody_looked_is_not_read_again(log: Log):
    log.write(*[b"a line"] * 1000)
    log.read()
    os.truncate(log.path, 2 * HEAD_BYTES)
    log.restart()
    assert log.read() == []
