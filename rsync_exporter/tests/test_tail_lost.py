"""What cannot be read of a log: it is counted as lost, or read once that heals."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rsync_exporter.tail.lines import MAX_LINE_BYTES
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import Log


def test_what_was_truncated_without_a_copy_is_lost(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write_raw(b"one\nunended")
    log.read()
    os.truncate(log.path, 0)
    log.write(b"two")
    assert log.read() == [b"two"]
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []
    assert log.progress().lost_bytes == len(b"unended")
    assert f"path={log.path} lost_bytes=7" in caplog.text


def test_a_log_that_loses_its_end_is_not_read_again(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(b"one", b"two", b"three")
    log.read()
    os.truncate(log.path, len(b"one\n"))
    assert log.read() == []
    log.write(b"four")
    assert log.read() == [b"four"]
    assert f"log lost its end, going on there path={log.path}" in caplog.text


def test_what_is_cut_from_an_endless_line_is_lost(log: Log):
    log.write(b"x" * 10_000_000, b"next")
    assert log.read() == [b"x" * MAX_LINE_BYTES, b"next"]
    lost_bytes = 10_000_000 - MAX_LINE_BYTES
    assert log.progress().lost_bytes == lost_bytes
    assert log.progress().read_bytes == log.path.stat().st_size - lost_bytes


@contextmanager
def no_privileges() -> Iterator[None]:
    """Be nobody for a while; who runs the tests may be root."""
    user = os.geteuid()
    if user:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def shared_log() -> Iterator[Log]:
    """Follow a log in a folder that everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        log = Log(Path(folder))
        yield log
        log.followers.close()


def test_a_log_that_nobody_may_read_is_read_once_that_heals(shared_log: Log):
    log = shared_log
    log.write(b"one")
    assert log.read() == [b"one"]
    log.rename()
    log.write(b"two")
    log.path.chmod(0)
    for _ in range(3):
        with no_privileges(), pytest.raises(PermissionError, match=r"rsyncd\.log"):
            log.read()
        log.clock.now += SEARCH_SECONDS
    log.path.chmod(0o644)
    with no_privileges():
        assert log.read() == [b"two"]
    assert log.progress().lost_bytes == 0


def test_a_rotated_file_that_nobody_may_read_is_lost(
    shared_log: Log, caplog: pytest.LogCaptureFixture
):
    log = shared_log
    log.write(b"one")
    log.read()
    log.rename()
    log.write(b"two")
    log.rename().chmod(0)
    log.write(b"three")
    with no_privileges():
        assert log.read() == [b"three"]
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
    assert log.progress().lost_bytes == len(b"two\n")
    assert caplog.text.count("rotated log cannot be read") == 1
