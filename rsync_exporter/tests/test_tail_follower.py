"""One log on a real disk: what is read of it, and what is said when there is none."""

import os
from pathlib import Path

import pytest

from rsync_exporter.tests.following import Log


def test_a_log_is_read_from_its_start_and_then_onwards(log: Log):
    log.write_raw(b"one\ntwo\n")
    assert log.read() == [b"one", b"two"]
    assert log.read() == []
    log.write_raw(b"three\n")
    assert log.read() == [b"three"]


def test_a_line_counts_once_it_is_whole(log: Log):
    log.write_raw(b"one\ntw")
    assert log.read() == [b"one"]
    log.write_raw(b"o\n")
    assert log.read() == [b"two"]


def test_a_chunk_tells_whether_more_is_there(log: Log):
    log.write(*[b"a line"] * 200_000)
    first, last = log.chunks()
    assert (first.ends, last.ends) == (False, True)
    log.write_raw(b"one\ntwo")
    [chunk] = log.chunks()
    assert not chunk.ends


def test_a_missing_log_is_an_error_until_it_comes(log: Log):
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"rsyncd\.log"):
            log.read()
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]


def test_a_deleted_log_is_an_error_until_it_comes_back(log: Log):
    log.write(b"one")
    log.read()
    log.path.unlink()
    with pytest.raises(FileNotFoundError, match=r"rsyncd\.log"):
        log.read()
    log.write(b"two")
    assert log.read() == [b"two"]


def test_a_link_to_itself_is_an_error_until_it_is_a_log(log: Log):
    log.path.symlink_to(log.path)
    with pytest.raises(OSError, match="symbolic link"):
        log.read()
    log.path.unlink()
    log.write(b"one")
    assert log.read() == [b"one"]


def test_what_is_no_file_is_refused_without_waiting_for_it(log: Log):
    log.path.mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        log.read()
    log.path.rmdir()
    os.mkfifo(log.path)
    with pytest.raises(OSError, match="not a regular file"):
        log.read()


def test_while_a_new_log_cannot_be_read_the_old_one_is(log: Log):
    log.write_raw(b"one\n")
    log.read()
    with log.path.open("ab", buffering=0) as session:
        log.rename()
        log.path.mkdir()
        session.write(b"two\n")
        lines = log.followers.poll()
        assert next(lines).lines == [b"two"]
        with pytest.raises(OSError, match="not a regular file"):
            next(lines)


def test_old_lines_can_be_left_out(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    log.write_raw(b"old\nhalf")
    assert log.read() == []
    log.write_raw(b" a line\nnew\n")
    assert log.read() == [b"half a line", b"new"]
    log.followers.close()


def test_a_log_whose_old_lines_were_left_out_may_be_truncated_too(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    log.write_raw(b"old, older, oldest\n")
    assert log.read() == []
    log.path.write_bytes(b"new\n")
    assert log.read() == [b"new"]
    log.followers.close()


def test_a_log_that_comes_later_has_no_old_lines(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    with pytest.raises(FileNotFoundError):
        log.read()
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]
    log.followers.close()
