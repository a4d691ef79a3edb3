"""The program: its flags, its answers over HTTP, its health and its exit codes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rsync_exporter.__main__ import service
from rsync_exporter.collector import STATUS_CODES
from rsync_exporter.tests.running import RunningExporter, eventually

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "rsyncd_default_raw.log"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="ascii"))

type StartExporter = Callable[..., RunningExporter]


def read_whole(exporter: RunningExporter, log: Path) -> dict[str, float]:
    """Return the metrics once the log was read to its end."""
    size = log.stat().st_size
    eventually(
        lambda: exporter.metrics()["rsync_exporter_file_offset_bytes"] == size,
        "the whole log read",
    )
    return exporter.metrics()


def test_the_six_counters_of_a_recorded_log(start_exporter: StartExporter):
    metrics = read_whole(start_exporter("-p", RECORDED), RECORDED)
    expected = EXPECTED[RECORDED.name]
    errors = dict.fromkeys(map(str, STATUS_CODES), 0) | expected["errors"]
    served = {
        **{f"rsync_service_error_total {code}": n for code, n in errors.items()},
        **{f"rsync_exporter_lines_total {k}": n for k, n in expected["lines"].items()},
        "rsync_connections_total": expected["connections"],
        "rsync_executions_total": expected["executions"],
        "rsync_data_received_bytes_total": expected["received_bytes"],
        "rsync_data_sent_bytes_total": expected["sent_bytes"],
        "rsync_exchange_data_bytes_total": expected["exchanged_bytes"],
        "rsync_exporter_file_size_bytes": RECORDED.stat().st_size,
        "rsync_exporter_read_bytes_total": RECORDED.stat().st_size,
        "rsync_exporter_open_files": 1,
        "rsync_exporter_rotations_total replaced": 0,
        "rsync_exporter_rotations_total truncated": 0,
    }
    assert served.items() <= metrics.items()
    assert 0 <= metrics["rsync_exporter_lag_seconds"] < 5


def test_every_series_is_there_before_anything_happened(
    start_exporter: StartExporter, tmp_path: Path
):
    metrics = start_exporter("-p", tmp_path / "missing").metrics()
    assert metrics["rsync_connections_total"] == 0
    assert metrics["rsync_service_error_total 12"] == 0
    assert metrics["rsync_exporter_lines_total unparsed"] == 0


def test_the_status_code_as_it_was_once_written(start_exporter: StartExporter):
    exporter = start_exporter("-p", RECORDED, "--legacy-status-code")
    metrics = read_whole(exporter, RECORDED)
    assert metrics["rsync_service_error_total (code 20)"] == 2
    assert "rsync_service_error_total 20" not in metrics


def test_a_format_file_of_the_users_own(start_exporter: StartExporter, tmp_path: Path):
    line_format, log = tmp_path / "format", tmp_path / "log"
    line_format.write_text(r"(?P<time>\S+) \((?P<pid>\d+)\) (?P<description>.+)")
    log.write_text("noon (1) connect from h (::1)\n2026/11/21 20:51:58 [2] connect\n")
    metrics = read_whole(start_exporter("-p", log, "-f", line_format), log)
    assert metrics["rsync_connections_total"] == 1
    assert metrics["rsync_exporter_lines_total unparsed"] == 1


def test_a_log_that_is_not_there_yet(start_exporter: StartExporter, tmp_path: Path):
    log = tmp_path / "rsyncd.log"
    exporter = start_exporter("-p", log)
    eventually(lambda: exporter.health()[0] == 503, "health tells of the missing log")
    assert str(log) in exporter.health()[1]["log"]
    shutil.copy(RECORDED, log)
    eventually(lambda: exporter.health() == (200, {}), "health after the log came")
    assert read_whole(exporter, log)["rsync_connections_total"] == 53
    output = exporter.stop()
    assert "WARNING" in output
    assert "No such file or directory" in output


def test_being_stopped(start_exporter: StartExporter):
    exporter = start_exporter("-p", RECORDED)
    read_whole(exporter, RECORDED)
    last_line = exporter.stop().splitlines()[-1]
    assert last_line.endswith("stopped lines=244 connections=53 executions=37")


def test_being_stopped_while_there_is_no_log(
    start_exporter: StartExporter, tmp_path: Path
):
    assert "stopped lines=0" in start_exporter("-p", tmp_path / "missing").stop()


def test_all_wrong_settings_are_told_at_once(capsys: pytest.CaptureFixture[str]):
    flags = ["-f", "/none", "-s", "soon", "-x", "99999"]
    assert service.main(flags, {"RSYNC_EXPORTER_FROM": "middle"}) == 2
    assert capsys.readouterr().err.splitlines() == [
        "RSYNC_EXPORTER_LOG (-p): required: log file of the rsync daemon",
        "RSYNC_EXPORTER_FORMAT: expected a readable file"
        ' (No such file or directory), got "/none"',
        "RSYNC_EXPORTER_INTERVAL_SECONDS: expected seconds between 0.01 and 3600,"
        ' got "soon"',
        'RSYNC_EXPORTER_PORT: expected a port 1-65535, got "99999"',
        'RSYNC_EXPORTER_FROM: expected one of start, end, got "middle"',
    ]


def test_a_check_of_what_is_well(capsys: pytest.CaptureFixture[str]):
    assert service.main(["--check", "-p", str(RECORDED)], {}) == 0
    assert capsys.readouterr().out == "rsync_exporter: all is well\n"


def test_a_check_of_a_log_that_is_missing(capsys: pytest.CaptureFixture[str]):
    assert service.main(["--check"], {"RSYNC_EXPORTER_LOG": "/none"}) == 1
    assert "RSYNC_EXPORTER_LOG: [Errno 2] No such file" in capsys.readouterr().err
