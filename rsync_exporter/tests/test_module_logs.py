"""Log files of modules: they come into being when a module is first used."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rsync_exporter.__main__ import service
from rsync_exporter.tail.followers import RESCAN_SECONDS, Followers, FollowOptions
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import Clock
from rsync_exporter.tests.running import RunningExporter, eventually

type StartExporter = Callable[..., RunningExporter]


class Logs:
    """A daemon's log and those of two modules, one in a folder that is not there."""

    def __init__(self, folder: Path, *, has_daemon: bool = True) -> None:
        self.daemon, self.photos, self.films = (
            folder / name for name in ("rsyncd.log", "photos.log", "none/films.log")
        )
        modules = [str(self.photos), str(self.films)]
        self._patterns = [*([str(self.daemon)] if has_daemon else []), *modules]
        self._optional = modules
        self.clock = Clock()
        self.followers = self._follow(from_end=True)

    def read(self) -> list[bytes]:
        """Return the lines that one poll finds, some time after the last one."""
        self.clock.now += RESCAN_SECONDS
        return [line for chunk in self.followers.poll() for line in chunk.lines]

    def restart(self) -> None:
        """Go on in a new process."""
        state = self.followers.state()
        self.followers.close()
        self.followers = self._follow(state)

    def _follow(
        self, state: dict[str, Any] | None = None, *, from_end: bool = False
    ) -> Followers:
        options = FollowOptions(from_end)
        return Followers(self._patterns, options, state, self.clock, self._optional)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    """Follow a daemon's log that is there, and modules' that are not."""
    logs = Logs(tmp_path)
    logs.daemon.touch()
    yield logs
    logs.followers.close()


@pytest.fixture
def modules_logs(tmp_path: Path) -> Iterator[Logs]:
    """Follow modules' logs only, of which none is there."""
    logs = Logs(tmp_path, has_daemon=False)
    yield logs
    logs.followers.close()


def test_a_module_s_log_may_come_later(logs: Logs, caplog: pytest.LogCaptureFixture):
    for _ in range(3):
        assert logs.read() == []
    assert not [record for record in caplog.records if record.levelname != "INFO"]
    logs.photos.write_bytes(b"one\n")
    assert logs.read() == [b"one"]
    logs.films.parent.mkdir()
    logs.films.write_bytes(b"two\n")
    assert logs.read() == [b"two"]


def test_the_daemon_s_log_must_be_there(logs: Logs):
    logs.daemon.unlink()
    logs.photos.write_bytes(b"one\n")
    with pytest.raises(FileNotFoundError, match=r"rsyncd\.log'$"):
        logs.read()


def test_a_module_s_log_that_is_no_file_is_told(logs: Logs):
    logs.photos.mkdir()
    with pytest.raises(OSError, match=r"not a regular file: .*photos\.log"):
        logs.read()


def test_what_was_not_read_of_a_deleted_one_is_lost(
    logs: Logs, caplog: pytest.LogCaptureFixture
):
    assert logs.read() == []
    logs.photos.write_bytes(b"one\nunended")
    assert logs.read() == [b"one"]
    logs.photos.unlink()
    assert logs.read() == []
    logs.restart()
    for _ in range(3):
        logs.clock.now += SEARCH_SECONDS
        assert logs.read() == []
    lost_bytes = [progress.lost_bytes for progress in logs.followers.progress()]
    assert lost_bytes == [0, len(b"unended"), 0]
    assert caplog.text.count("is gone") == 1


def test_after_its_rotation_a_module_may_rest_for_weeks(logs: Logs):
    assert logs.read() == []
    logs.photos.write_bytes(b"one\n")
    assert logs.read() == [b"one"]
    packed = logs.photos.with_name("photos.log.1.gz")
    packed.write_bytes(gzip.compress(logs.photos.read_bytes()))
    shutil.copystat(logs.photos, packed)
    logs.photos.unlink()
    logs.restart()
    for _ in range(3):
        logs.clock.now += SEARCH_SECONDS
        assert logs.read() == []
    assert not any(progress.lost_bytes for progress in logs.followers.progress())


def test_of_modules_logs_alone_one_must_be_there(modules_logs: Logs):
    with pytest.raises(OSError, match=r"photos\.log.*films\.log"):
        modules_logs.read()
    modules_logs.photos.write_bytes(b"one\n")
    assert modules_logs.read() == [b"one"]


CLIENT = "h (192.0.2.1)"


def line(message: str) -> str:
    return f"2026/11/21 20:58:49 [7] {message}\n"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Write the configuration of a daemon with a module that logs elsewhere."""
    conf = tmp_path / "rsyncd.conf"
    conf.write_text(
        f"log file = {tmp_path}/rsyncd.log\n"
        "[plain]\npath = /srv/plain\n"
        f"[photos]\npath = /srv/photos\nlog file = {tmp_path}/photos.log\n"
    )
    return conf


def test_a_session_that_goes_on_in_a_module_s_log(
    start_exporter: StartExporter, conf: Path
):
    daemon, photos = conf.with_name("rsyncd.log"), conf.with_name("photos.log")
    daemon.write_text(line(f"connect from {CLIENT}"))
    exporter = start_exporter(environment={"RSYNC_EXPORTER_RSYNCD_CONF": str(conf)})
    eventually(lambda: exporter.readiness() == (200, {}), "/readyz")
    size = f"rsync_exporter_file_size_bytes {photos}"
    assert exporter.metrics()[size] == 0
    photos.write_text(
        line(f"rsync on photos/a from {CLIENT}")
        + line("sent 130 bytes  received 9 bytes  total size 500")
    )
    with daemon.open("a") as log:
        log.write(line(f"rsync allowed access on module photos from {CLIENT}"))
        log.write(line(f"connect from {CLIENT}"))
    eventually(
        lambda: exporter.metrics()["rsyncd_sessions_total pull photos ok"] == 1,
        "the session",
    )
    assert exporter.health() == (200, {})
    assert "WARNING" not in exporter.stop()


def test_a_check_expects_the_daemon_s_log_only(
    capsys: pytest.CaptureFixture[str], conf: Path
):
    environment = {"RSYNC_EXPORTER_RSYNCD_CONF": str(conf)}
    daemon, photos = conf.with_name("rsyncd.log"), conf.with_name("photos.log")
    assert service.main(["--check"], environment) == 1
    [problem] = capsys.readouterr().err.splitlines()
    origin, _, rest = problem.partition(": ")
    assert origin == "RSYNC_EXPORTER_RSYNCD_CONF"
    assert rest.endswith(f"No such file or directory: '{daemon}'")
    daemon.touch()
    assert service.main(["--check"], environment) == 0
    photos.mkdir()
    assert service.main(["--check"], environment) == 1
    assert f"not a regular file: {photos}" in capsys.readouterr().err


def test_a_check_of_modules_logs_alone(capsys: pytest.CaptureFixture[str], conf: Path):
    conf.write_text(conf.read_text().split("\n", 1)[1])
    environment = {"RSYNC_EXPORTER_RSYNCD_CONF": str(conf)}
    assert service.main(["--check"], environment) == 1
    assert "photos.log" in capsys.readouterr().err
