"""A log on a real disk, followed through everything that rotation does to it."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from rsync_exporter.tail.closing import IDLE_SECONDS, MAX_OPEN_FILES
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import KEEP_SECONDS, Log


def test_a_replaced_log_is_read_to_its_end_before_the_new_one(log: Log):
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]
    log.write_raw(b"two\n")
    log.rename()
    log.write_raw(b"three\n")
    assert log.read() == [b"two", b"three"]
    assert log.rotations() == {"replaced": 1}


def test_a_file_that_sessions_write_to_is_read_on_after_its_rotation(log: Log):
    log.write(b"connect")
    with log.path.open("ab", buffering=0) as session:
        [chunk] = log.chunks()
        log.rename()
        log.write(b"other")
        assert log.read() == [b"other"]
        log.clock.now += KEEP_SECONDS - 1
        session.write(b"sen")
        assert log.read({chunk.stream}) == []
        log.clock.now += KEEP_SECONDS - 1
        session.write(b"t\n")
        [late] = log.chunks({chunk.stream})
    assert late == chunk._replace(lines=[b"sent"])
    assert log.progress().open_files == 2


@pytest.mark.parametrize("seconds", [IDLE_SECONDS, KEEP_SECONDS])
def test_a_rotated_file_is_closed_in_the_end(log: Log, seconds: float):
    log.write(b"one")
    in_use = {chunk.stream for chunk in log.chunks() if seconds == KEEP_SECONDS}
    old = log.rename()
    log.write(b"two")
    log.read(in_use)
    with old.open("ab") as session:
        session.write(b"just in time\n")
    log.clock.now += seconds - 1
    assert log.read(in_use) == [b"just in time"]
    log.clock.now += seconds - 1
    log.read(in_use)
    assert log.progress().open_files == 2
    log.clock.now += 1
    log.read(in_use)
    assert log.progress().open_files == 1


def test_only_so_many_old_files_stay_open(log: Log):
    for number in range(3 * MAX_OPEN_FILES):
        log.write_raw(b"%d\n" % number)
        assert log.read() == [b"%d" % number]
        log.rename()
    assert log.progress().open_files == MAX_OPEN_FILES + 1


def test_between_a_rename_and_the_next_session_nothing_is_wrong(log: Log):
    log.write_raw(b"one\n")
    log.read()
    log.rename()
    assert log.read() == []
    log.write_raw(b"two\n")
    assert log.read() == [b"two"]


def test_a_log_that_was_rotated_and_compressed_is_not_missing(log: Log):
    log.write(b"one")
    log.read()
    old = log.rename()
    packed = Path(f"{old}.gz")
    packed.write_bytes(gzip.compress(old.read_bytes()))
    shutil.copystat(old, packed)
    old.unlink()
    assert log.read() == []


def test_a_truncated_log_is_read_from_its_start(log: Log):
    log.write_raw(b"one\ntwo, unended")
    log.read()
    os.truncate(log.path, 0)
    assert log.read() == []
    log.write_raw(b"three\n")
    assert log.read() == [b"three"]
    assert log.rotations() == {"truncated": 1}


@pytest.mark.parametrize(
    "grown", [b"new\n", b"just as long...\n", b"new, and longer than before\n"]
)
def test_a_log_truncated_and_written_between_two_looks_is_noticed(
    log: Log, grown: bytes
):
    log.write_raw(b"one, two, three\n")
    log.read()
    log.path.write_bytes(grown)
    assert log.read() == [grown.rstrip()]
    assert log.rotations() == {"truncated": 1}


def test_lines_that_came_between_the_last_look_and_a_rotation_are_read(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    log.write(b"two")
    log.truncate()
    log.write(b"three")
    assert log.read() == [b"two", b"three"]
    assert log.rotations() == {"truncated": 1}
    assert log.progress().lost_bytes == 0


def test_lines_are_found_that_were_copied_before_any_was_read(log: Log):
    log.path.touch()
    assert log.read() == []
    log.write(b"one")
    log.truncate()
    log.write(b"two")
    assert log.read() == [b"one", b"two"]


def test_every_rotation_between_two_looks_is_read_in_order(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    for line in (b"two", b"three", b"four"):
        log.write(line)
        log.rename()
    log.write(b"five")
    assert log.read() == [b"two", b"three", b"four", b"five"]
    assert log.rotations() == {"replaced": 1, "recovered": 2}
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []


def test_a_link_that_points_to_another_file_is_followed(log: Log):
    first, second = log.path.with_name("first"), log.path.with_name("second")
    first.write_bytes(b"one\n")
    second.write_bytes(b"two\n")
    log.path.symlink_to(first)
    assert log.read() == [b"one"]
    log.path.unlink()
    log.path.symlink_to(second)
    assert log.read() == [b"two"]


def test_a_file_whose_old_name_comes_back_is_not_read_twice(log: Log):
    log.write_raw(b"one\n")
    log.read()
    old = log.rename()
    log.write_raw(b"two\n")
    log.read()
    old.replace(log.path)
    log.write_raw(b"three\n")
    assert log.read() == [b"three"]


def test_rotated_files_from_before_the_first_start_are_never_read(log: Log):
    log.write(b"old")
    old = log.rename()
    Path(f"{log.path}.2.gz").write_bytes(gzip.compress(b"older\n"))
    log.write(b"one")
    assert log.read() == [b"one"]
    with old.open("ab") as session:
        session.write(b"of a session in flight\n")
    log.rename()
    log.write(b"two")
    assert log.read() == [b"of a session in flight", b"two"]


def test_a_copy_of_the_log_is_not_read(log: Log):
    log.write(b"one", b"two")
    log.read()
    shutil.copy(log.path, f"{log.path}.bak")
    log.rename()
    log.write(b"three")
    assert log.read() == [b"three"]
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []


def test_a_log_that_is_copied_over_itself_goes_on(log: Log):
    log.write(b"one")
    log.read()
    copy = log.path.with_name("copy")
    shutil.copy(log.path, copy)
    copy.replace(log.path)
    log.write(b"two")
    assert log.read() == [b"two"]
