"""SIGHUP: the files that the settings name are read again, all of them or none."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rsync_exporter.tests.running import RunningExporter, eventually

STAMP = "2026/11/21 20:58:49 [7]"
CONNECT = f"{STAMP} connect from h (192.0.2.1)\n"

type StartExporter = Callable[..., RunningExporter]


class Configured:
    """An exporter with a log and an rsyncd.conf."""

    def __init__(self, start: StartExporter, folder: Path) -> None:
        self.log = folder / "rsyncd.log"
        self.conf = folder / "rsyncd.conf"
        self.configure("m")
        self.log.write_text(CONNECT)
        self.exporter = start(
            environment={"RSYNC_EXPORTER_RSYNCD_CONF": str(self.conf)}
        )
        eventually(lambda: self.exporter.readiness() == (200, {}), "/readyz")

    def configure(self, *modules: str, further: str = "", log: str = "") -> None:
        sections = "".join(f"[{name}]\npath = /srv/{name}\n" for name in modules)
        self.conf.write_text(f"log file = {log or self.log}\n{sections}{further}")

    def reload(self) -> None:
        self.exporter.process.send_signal(signal.SIGHUP)

    def value(self, name: str) -> float | None:
        return self.exporter.metrics().get(name)

    def expect(self, name: str, value: float) -> None:
        eventually(lambda: self.value(name) == value, f"{name} {value}")


@pytest.fixture
def configured(start_exporter: StartExporter, tmp_path: Path) -> Configured:
    """Return an exporter that knows its log from rsyncd.conf only."""
    return Configured(start_exporter, tmp_path)


RELOADS = "rsync_exporter_config_reloads_total"


def test_the_log_is_the_one_of_rsyncd_conf(configured: Configured):
    assert configured.value("rsync_connections_total") == 1
    assert configured.value("rsyncd_sessions_total pull m ok") == 0
    assert configured.value(f"{RELOADS} success") == 0


def test_a_new_module_has_its_series_and_counters_stay(configured: Configured):
    configured.configure("m", "n")
    configured.reload()
    configured.expect(f"{RELOADS} success", 1)
    configured.expect("rsyncd_sessions_total pull n ok", 0)
    assert configured.value("rsync_connections_total") == 1
    output = configured.exporter.stop()
    assert f"settings read again files={configured.conf}" in output


def test_a_wrong_file_leaves_the_old_one_in_force(configured: Configured):
    configured.configure("m", "n", further="[broken\n")
    configured.reload()
    configured.expect(f"{RELOADS} error", 1)
    assert configured.value("rsyncd_sessions_total pull n ok") is None
    configured.conf.unlink()
    configured.reload()
    configured.expect(f"{RELOADS} error", 2)
    assert configured.exporter.health() == (200, {})
    output = configured.exporter.stop()
    assert output.count("wrong settings, the old ones stay") == 2


def test_a_file_that_names_no_log_any_more_is_a_wrong_one(configured: Configured):
    configured.conf.write_text("[n]\npath = /srv/n\n")
    configured.reload()
    configured.expect(f"{RELOADS} error", 1)
    with configured.log.open("a") as log:
        log.write(CONNECT)
    configured.expect("rsync_connections_total", 2)


def test_another_log_file_is_followed(configured: Configured, tmp_path: Path):
    other = tmp_path / "other.log"
    other.write_text(CONNECT * 2)
    configured.configure("m", log=str(other))
    configured.reload()
    configured.expect("rsync_connections_total", 3)


def test_a_format_that_names_come_first_in_is_warned_of(configured: Configured):
    log_format = "transfer logging = yes\nlog format ="
    configured.configure("safe", further=f"{log_format} %o %f\n[n]\n{log_format} %f %l")
    configured.reload()
    configured.expect(f"{RELOADS} success", 1)
    [warning] = [
        line for line in configured.exporter.stop().splitlines() if "WARNING" in line
    ]
    assert warning.endswith(
        "not all that is counted can be trusted: module n: its log format begins with a"
        " file's name, so whoever names files can forge any message; put %o first"
    )


def test_a_format_file_too(start_exporter: StartExporter, tmp_path: Path):
    log, file = tmp_path / "log", tmp_path / "format"
    log.write_text("")
    file.write_text("(?P<description>.*)")
    exporter = start_exporter("-p", log, "-f", file)
    eventually(lambda: exporter.readiness() == (200, {}), "/readyz")
    file.write_text("> (?P<description>.*)")
    exporter.process.send_signal(signal.SIGHUP)
    eventually(lambda: exporter.metrics()[f"{RELOADS} success"] == 1, "the reload")
    with log.open("a") as written:
        written.write("connect from a (192.0.2.1)\n> connect from b (192.0.2.1)\n")
    name = f"rsync_exporter_lines_total {log} unparsed"
    eventually(lambda: exporter.metrics().get(name) == 1, "one line of the old format")
    assert exporter.metrics()["rsync_connections_total"] == 1


def test_without_files_there_is_nothing_to_read(
    start_exporter: StartExporter, tmp_path: Path
):
    (tmp_path / "log").write_text(CONNECT)
    exporter = start_exporter("-p", tmp_path / "log")
    exporter.process.send_signal(signal.SIGHUP)
    eventually(lambda: exporter.metrics()[f"{RELOADS} success"] == 1, "the reload")
    assert "settings read again files=none" in exporter.stop()
