"""The names that rotation gives to logs, and those that it does not."""

import os
from pathlib import Path

import pytest

from rsync_exporter.tail.siblings import is_called_after, siblings

LOG = "rsyncd.log"


@pytest.mark.parametrize(
    "name",
    [
        "rsyncd.log.1",
        "rsyncd.log.12.gz",
        "rsyncd.log-20261122",
        "rsyncd.log-20261122-1763780000.xz",
        "rsyncd.log.2026-11-22",
        "rsyncd.log.old",
        "rsyncd.log-2026112214.backup",
        "rsyncd.1.log",
        "rsyncd-20261122.log.gz",
    ],
)
def test_what_rotation_calls_a_log(name: str):
    assert is_called_after(name, LOG)


@pytest.mark.parametrize(
    "name",
    [
        "rsyncd.log",
        "rsyncd.log.offset",
        "rsyncd.logger",
        "rsyncd2.log",
        "rsyncd-2.log",
        "rsyncd-mirror.log",
        "other.log.1",
    ],
)
def test_what_is_another_file(name: str):
    assert not is_called_after(name, LOG)


def _found(folder: Path, *, followed: tuple[str, ...] = ()) -> list[str]:
    paths = [str(folder / name) for name in (LOG, *followed)]
    return [Path(found.path).name for found in siblings(paths[0], paths)]


def _write(path: Path, age: int) -> None:
    path.write_bytes(b"line\n")
    os.utime(path, (1_000_000 - age, 1_000_000 - age))


def test_rotated_files_come_oldest_first(tmp_path: Path):
    for age, name in enumerate(
        (LOG, "rsyncd.log.1", "rsyncd.log.3.gz", "rsyncd.log.2")
    ):
        _write(tmp_path / name, age)
    (tmp_path / "rsyncd.log.4").mkdir()
    (tmp_path / "rsyncd.log.5").touch()
    assert _found(tmp_path) == ["rsyncd.log.2", "rsyncd.log.3.gz", "rsyncd.log.1"]


def test_a_file_that_is_being_packed_is_found_once(tmp_path: Path):
    _write(tmp_path / "rsyncd.log.1", 0)
    _write(tmp_path / "rsyncd.log.1.gz", 0)
    assert _found(tmp_path) == ["rsyncd.log.1"]


def test_a_log_of_its_own_is_no_rotated_file(tmp_path: Path):
    _write(tmp_path / "rsyncd.log.1", 0)
    assert _found(tmp_path, followed=("rsyncd.log.1",)) == []


def test_a_link_has_the_files_that_it_pointed_to(tmp_path: Path):
    target = tmp_path / "target"
    target.mkdir()
    for age, name in enumerate(
        ("day-20261122", "day-20261121", "day-20261120.gz", "a")
    ):
        _write(target / name, age)
    (tmp_path / LOG).symlink_to(target / "day-20261122")
    assert _found(tmp_path) == ["day-20261120.gz", "day-20261121"]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path):
    assert siblings(str(tmp_path / "none" / LOG), ()) == []
