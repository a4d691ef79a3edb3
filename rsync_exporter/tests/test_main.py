"""The program: its flags, its answers over HTTP, its health and its exit codes."""

import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rsync_exporter.__main__ import service
from rsync_exporter.tests.running import RunningExporter, eventually, free_port

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "rsyncd_default_raw.log"

# What the recorded log holds, counted by hand (data/README.md).
RECORDED_CONNECTIONS, RECORDED_EXECUTIONS, RECORDED_LINES = 53, 37, 244

type StartExporter = Callable[..., RunningExporter]


def read_whole(exporter: RunningExporter, log: Path) -> dict[str, float]:
    """Return the metrics once the log was read to its end."""
    size, name = log.stat().st_size, f"rsync_exporter_file_offset_bytes {log}"
    eventually(lambda: exporter.metrics().get(name) == size, "the whole log read")
    return exporter.metrics()


def test_a_recorded_log(start_exporter: StartExporter):
    exporter = start_exporter("-p", RECORDED)
    metrics = read_whole(exporter, RECORDED)
    served = {
        "rsync_connections_total": RECORDED_CONNECTIONS,
        "rsync_executions_total": RECORDED_EXECUTIONS,
        f"rsync_exporter_file_size_bytes {RECORDED}": RECORDED.stat().st_size,
        f"rsync_exporter_read_bytes_total {RECORDED}": RECORDED.stat().st_size,
        f"rsync_exporter_lost_bytes_total {RECORDED}": 0,
        "rsync_exporter_open_files": 1,
    }
    assert served.items() <= metrics.items()
    assert 0 <= metrics["rsync_exporter_lag_seconds"] < 5
    assert exporter.readiness() == (200, {})


def test_every_series_is_there_before_anything_happened(
    start_exporter: StartExporter, tmp_path: Path
):
    exporter = start_exporter("-p", tmp_path / "missing")
    eventually(
        lambda: exporter.metrics().get("rsync_connections_total") == 0, "the series"
    )
    assert exporter.metrics()["rsync_service_error_total 12"] == 0


def test_the_status_code_as_it_was_once_written(start_exporter: StartExporter):
    exporter = start_exporter("-p", RECORDED, "--legacy-status-code")
    metrics = read_whole(exporter, RECORDED)
    assert metrics["rsync_service_error_total (code 12)"] > 0
    assert "rsync_service_error_total 12" not in metrics


def test_a_regular_expression_of_the_users_own(
    start_exporter: StartExporter, tmp_path: Path
):
    line_format, log = tmp_path / "format", tmp_path / "log"
    line_format.write_text(r"(?P<time>\S+) \((?P<pid>\d+)\) (?P<description>.+)")
    log.write_text("noon (1) connect from h (::1)\n2026/11/21 20:51:58 [2] connect\n")
    metrics = read_whole(start_exporter("-p", log, "-f", line_format), log)
    assert metrics["rsync_connections_total"] == 1
    assert metrics[f"rsync_exporter_lines_total {log} unparsed"] == 1


def test_a_log_format_of_the_daemon_s(start_exporter: StartExporter, tmp_path: Path):
    line_format, log = tmp_path / "format", tmp_path / "log"
    line_format.write_text("%o %n %l %b\n")
    stamp, client = "2026/11/21 20:51:58 [2]", "from h (192.0.2.1)"
    log.write_text(
        f"{stamp} connect {client}\n"
        f"{stamp} rsync allowed access on module m {client}\n"
        f"{stamp} rsync on m/a {client}\n"
        f"{stamp} send a b 500 123\n"
        f"{stamp} sent 130 bytes  received 9 bytes  total size 500\n"
    )
    metrics = read_whole(start_exporter("-p", log, "-f", line_format), log)
    assert metrics["rsyncd_file_bytes_total m send"] == 500
    assert metrics["rsyncd_file_transferred_bytes_total m send"] == 123


def test_several_logs(start_exporter: StartExporter, tmp_path: Path):
    for name in ("a.log", "b.log", "other"):
        (tmp_path / name).write_text("2026/11/21 20:51:58 [2] connect from h (::1)\n")
    exporter = start_exporter("-p", f"{tmp_path}/*.log, {tmp_path}/other")
    eventually(
        lambda: exporter.metrics().get("rsync_connections_total") == 3,
        "three connections",
    )
    (tmp_path / "c.log").write_text("2026/11/21 20:51:58 [2] connect from h (::1)\n")
    eventually(
        lambda: exporter.metrics().get("rsync_connections_total") == 4, "a fourth one"
    )


def test_standard_input(start_exporter: StartExporter):
    exporter = start_exporter("-p", "-", stdin=subprocess.PIPE)
    assert exporter.process.stdin
    exporter.process.stdin.write("2026/11/21 20:51:58 [2] connect from h (::1)\n")
    exporter.process.stdin.flush()
    eventually(
        lambda: exporter.metrics().get("rsync_connections_total") == 1, "the connection"
    )
    exporter.process.stdin.close()
    exporter.process.stdin = None
    # What nobody will end any more is over.
    ended = "rsyncd_connections_without_request_total"
    eventually(lambda: exporter.metrics()[ended] == 1, "the session's end")
    assert exporter.health() == (200, {})
    assert "standard input ended read_bytes=45" in exporter.stop()


def test_syslog(start_exporter: StartExporter, tmp_path: Path):
    port, path = free_port(), tmp_path / "log"
    exporter = start_exporter("-p", f"syslog://127.0.0.1:{port},syslog:{path}")
    line = b"<30>Nov 21 20:58:51 rsyncd[12691]: connect from h (192.0.2.1)"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(line, ("127.0.0.1", port))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(line, str(path))
    eventually(
        lambda: exporter.metrics().get("rsync_connections_total") == 2,
        "both connections",
    )
    metrics = exporter.metrics()
    for name in (f"syslog://127.0.0.1:{port}", f"syslog:{path}"):
        assert metrics[f"rsync_exporter_lines_total {name} matched"] == 1
        assert metrics[f"rsync_exporter_lost_bytes_total {name}"] == 0
    assert exporter.stop()
    assert not path.exists()


def test_a_long_log_is_caught_up_with_before_it_is_served(
    start_exporter: StartExporter, tmp_path: Path
):
    log = tmp_path / "rsyncd.log"
    content = RECORDED.read_bytes()
    times = 40_000_000 // len(content)
    log.write_bytes(content * times)
    exporter = start_exporter("-p", log)
    told, up = set[str](), set[float]()

    def is_ready() -> bool:
        metrics, health = exporter.metrics(), exporter.health()
        status, problems = exporter.readiness()
        assert health == (200, {})
        if status == 503:
            told.add(problems["log"])
            assert "rsync_connections_total" not in metrics
            up.add(metrics["rsync_exporter_up"])
        return status == 200

    eventually(is_ready, "/readyz")
    metrics = exporter.metrics()
    assert metrics["rsync_connections_total"] == RECORDED_CONNECTIONS * times
    assert any(
        reason.endswith(f" of {len(content) * times // 10**6} MB read")
        for reason in told
    )
    assert 1 in up


def test_a_log_that_is_not_there_yet(start_exporter: StartExporter, tmp_path: Path):
    log = tmp_path / "rsyncd.log"
    exporter = start_exporter("-p", log)
    eventually(lambda: exporter.health()[0] == 503, "health tells of the missing log")
    assert str(log) in exporter.health()[1]["log"]
    assert exporter.metrics()["rsync_exporter_up"] == 0
    shutil.copy(RECORDED, log)
    eventually(lambda: exporter.health() == (200, {}), "health after the log came")
    assert exporter.metrics()["rsync_exporter_up"] == 1
    assert read_whole(exporter, log)["rsync_connections_total"] == 53
    output = exporter.stop()
    assert "WARNING" in output
    assert "No such file or directory" in output


def test_being_stopped(start_exporter: StartExporter):
    exporter = start_exporter("-p", RECORDED)
    read_whole(exporter, RECORDED)
    assert (
        exporter.stop()
        .splitlines()[-1]
        .endswith(
            f"stopped lines={RECORDED_LINES} connections={RECORDED_CONNECTIONS}"
            f" executions={RECORDED_EXECUTIONS}"
        )
    )


def test_being_stopped_while_there_is_no_log(
    start_exporter: StartExporter, tmp_path: Path
):
    assert "stopped lines=0" in start_exporter("-p", tmp_path / "missing").stop()


def test_all_wrong_settings_are_told_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "format").write_text("%o %z")
    flags = ["-f", "/none", "-s", "soon", "-x", "99999"]
    environment = {
        "RSYNC_EXPORTER_FROM": "middle",
        "RSYNC_EXPORTER_TIMEZONE": "Mars/Olympus",
        "RSYNC_EXPORTER_MAX_MODULES": "0",
    }
    assert service.main(flags, environment) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(
        "RSYNC_EXPORTER_LOG (-p): required: log files of the rsync daemon"
    )
    assert told[1:] == [
        "RSYNC_EXPORTER_FORMAT: expected a readable file"
        ' (No such file or directory), got "/none"',
        "RSYNC_EXPORTER_INTERVAL_SECONDS: expected seconds between 0.01 and 3600,"
        ' got "soon"',
        'RSYNC_EXPORTER_PORT: expected a port 1-65535, got "99999"',
        'RSYNC_EXPORTER_FROM: expected one of start, end, got "middle"',
        "RSYNC_EXPORTER_TIMEZONE: expected a time zone such as Europe/Berlin,"
        ' got "Mars/Olympus"',
        'RSYNC_EXPORTER_MAX_MODULES: expected a whole number 1-100000, got "0"',
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("LOG", ",", "expected paths, globs, - or syslog addresses"),
        ("LOG", "syslog://nowhere", "expected syslog://HOST:PORT or syslog:/path"),
        ("RSYNCD_CONF", "/none", "/none"),
    ],
)
def test_a_wrong_setting(
    capsys: pytest.CaptureFixture[str], name: str, value: str, problem: str
):
    assert service.main([], {f"RSYNC_EXPORTER_{name}": value}) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert problem in line


def test_an_rsyncd_conf_that_names_no_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    conf = tmp_path / "rsyncd.conf"
    conf.write_text("[m]\npath = /srv\n")
    assert service.main([], {"RSYNC_EXPORTER_RSYNCD_CONF": str(conf)}) == 2
    assert capsys.readouterr().err == (
        "RSYNC_EXPORTER_LOG (-p): required, for RSYNC_EXPORTER_RSYNCD_CONF names no log"
        " file\n"
    )


def test_a_check_of_what_is_well(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    named = f"{RECORDED},-,syslog://127.0.0.1:{free_port()},syslog:{tmp_path}/log"
    kept = {"RSYNC_EXPORTER_CHECKPOINT": str(tmp_path / "checkpoint")}
    assert service.main(["--check", "-p", named], kept) == 0
    assert capsys.readouterr().out == "rsync_exporter: all is well\n"
    assert not list(tmp_path.iterdir())


def test_a_check_tells_everything_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "binary").write_bytes(b"\0" * 99 + b"\n")
    (tmp_path / "checkpoint").write_text("nonsense")
    client = DATA / "client_log_file.log"
    named = f"/none,{tmp_path},{tmp_path}/binary,{client},syslog:/none/log"
    kept = {"RSYNC_EXPORTER_CHECKPOINT": str(tmp_path / "checkpoint")}
    assert service.main(["--check", "-p", named], kept) == 1
    log, checkpoint = "RSYNC_EXPORTER_LOG", "RSYNC_EXPORTER_CHECKPOINT"
    assert capsys.readouterr().err.splitlines() == [
        f"{log}: [Errno 2] No such file or directory: '/none'",
        f"{log}: not a regular file: {tmp_path}",
        f"{log}: {tmp_path}/binary: it is a binary file",
        f"{log}: {client}: it is the log of an rsync client, not of a daemon",
        f"{log}: syslog:/none/log: [Errno 2] No such file or directory",
        f"{checkpoint}: {tmp_path}/checkpoint: it is no checkpoint of rsync_exporter",
    ]
    assert (tmp_path / "checkpoint").read_text() == "nonsense"


def test_a_check_of_log_formats(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    conf, file = tmp_path / "rsyncd.conf", tmp_path / "format"
    conf.write_text(
        "log format = %n %l\n[silent]\n[m]\ntransfer logging = yes\n"
        "[safe]\ntransfer logging = yes\nlog format = %o %f %l\n"
    )
    file.write_text("%f %l")
    flags = ["--check", "-p", str(RECORDED), "-f", str(file)]
    assert service.main(flags, {"RSYNC_EXPORTER_RSYNCD_CONF": str(conf)}) == 1
    said = (
        "its log format begins with a file's name, so whoever names files can forge"
        " any message; put %o first"
    )
    assert capsys.readouterr().err.splitlines() == [
        f"{file}: {said}",
        f"module m: {said}",
    ]


def test_a_check_of_a_checkpoint_s_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    kept = {"RSYNC_EXPORTER_CHECKPOINT": str(tmp_path / "none" / "checkpoint")}
    assert service.main(["--check", "-p", str(RECORDED)], kept) == 1
    assert capsys.readouterr().err == (
        f"RSYNC_EXPORTER_CHECKPOINT: {tmp_path}/none: not a folder that files can be"
        " written to\n"
    )
