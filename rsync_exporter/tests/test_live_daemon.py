"""A real daemon over time, its log rotated and itself stopped; and its other guises."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import FILES
from rsync_exporter.tests.daemon import Client, Daemon, run
from rsync_exporter.tests.running import RunningExporter, eventually
from rsync_exporter.tests.says import Samples, read_samples, sample

pytestmark = pytest.mark.integration

type StartDaemon = Callable[..., Daemon]
type StartExporter = Callable[..., RunningExporter]


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[StartDaemon]:
    """Return a function that starts a daemon of the exercise, with further settings."""
    running: list[Daemon] = []

    def start(module: str = "exercise", **settings: str) -> Daemon:
        path = str(acts.exercise(tmp_path / "files"))
        named = {name.replace("_", " "): value for name, value in settings.items()}
        running.append(Daemon(tmp_path, {module: {"path": path}}, named))
        return running[-1]

    yield start
    for daemon in running:
        daemon.stop()


@pytest.fixture
def daemon(start_daemon: StartDaemon) -> Daemon:
    """Run a daemon of the exercise."""
    return start_daemon()


@pytest.fixture
def exporter(daemon: Daemon, start_exporter: StartExporter) -> RunningExporter:
    """Run an exporter that follows the daemon's log."""
    return start_exporter("-p", daemon.log)


def expect(exporter: RunningExporter, expected: dict[str, int]) -> Samples:
    """Wait for these samples, and return all."""
    samples: Samples = Counter()

    def is_met() -> bool:
        samples.clear()
        samples.update(read_samples(exporter.ask("/metrics")[1], 0))
        return expected.items() <= samples.items()

    eventually(is_met, f"{expected}")
    return samples


def sessions(outcome: str, direction: str = "pull", module: str = "exercise") -> str:
    """Return the name of a number of sessions."""
    labels = {"module": module, "direction": direction, "outcome": outcome}
    return sample("rsyncd_sessions_total", **labels)


def errors(samples: Samples) -> Samples:
    """Return the failed sessions by exit code, where there are any."""
    found = {n: v for n, v in samples.items() if n.startswith("rsync_service_error")}
    return +Counter(found)


def pull(daemon: Daemon, path: str, *, ends: int = 0) -> None:
    """Pull something of the exercise."""
    done = run(daemon.url(f"exercise/{path}"), daemon.folder / "copies/")
    assert done.returncode == ends, done.stdout


def test_a_request_too_long_for_a_line(daemon: Daemon, exporter: RunningExporter):
    pull(daemon, "bb\na" * 900, ends=23)
    pull(daemon, "small")
    assert b"a20" in daemon.log.read_bytes()  # a record that follows a cut message
    samples = expect(exporter, {sessions("ok"): 1, sessions("partial"): 1})
    assert samples["rsync_exchange_data_bytes_total"] == FILES["small"]
    lines = {"file": daemon.log, "result": "split"}
    assert samples[sample("rsync_exporter_lines_total", **lines)] == 2


def test_a_request_that_looks_like_records(daemon: Daemon, exporter: RunningExporter):
    start = "2026/11/21 20:51:58 [1]"
    pull(
        daemon,
        f"connect from h (1.2.3.4)\n{start} connect from h (1.2.3.4)"
        f"\n{start} sent 9 bytes  received 9 bytes  total size 9",
        ends=23,
    )
    pull(daemon, "small")
    samples = expect(exporter, {sessions("ok"): 1, sessions("partial"): 1})
    assert samples["rsync_connections_total"] == 2
    assert samples["rsync_executions_total"] == 2
    assert samples["rsync_exchange_data_bytes_total"] == FILES["small"]
    for result in ("unparsed", "suspect"):
        lines = {"file": daemon.log, "result": result}
        assert samples[sample("rsync_exporter_lines_total", **lines)] == 0


def test_a_session_that_outlives_its_log(daemon: Daemon, exporter: RunningExporter):
    # 300 kB at 100 KiB/s: under way while the log is renamed.
    url = daemon.url("exercise/large")
    with Client("--bwlimit=100", url, daemon.folder / "copy") as slow:
        expect(exporter, {sample("rsyncd_sessions_active", module="exercise"): 1})
        daemon.log.rename(daemon.log.with_suffix(".log.1"))
        pull(daemon, "small")
        samples = expect(exporter, {"rsync_exchange_data_bytes_total": FILES["small"]})
        assert slow.is_running()
        assert samples[sample("rsyncd_sessions_active", module="exercise")] == 1
        assert slow.finish().returncode == 0
    samples = expect(exporter, {sessions("ok"): 2, "rsync_exporter_open_files": 2})
    both = FILES["small"] + FILES["large"]
    assert samples["rsync_exchange_data_bytes_total"] == both
    rotated = {"file": daemon.log, "kind": "replaced"}
    assert samples[sample("rsync_exporter_rotations_total", **rotated)] == 1


def test_a_daemon_that_is_stopped_and_started(
    daemon: Daemon, exporter: RunningExporter
):
    pull(daemon, "small")
    daemon.stop()
    daemon.start()
    pull(daemon, "small")
    samples = expect(exporter, {sessions("ok"): 2, "rsyncd_daemon_starts_total": 2})
    assert not errors(samples)
    assert samples["rsync_connections_total"] == 2
    version = run("--version").stdout.split()[2]
    of_daemon = {"version": version, "port": daemon.port}
    assert samples[sample("rsyncd_daemon_info", **of_daemon)] == 1


def test_a_push_that_stalls(start_daemon: StartDaemon, start_exporter: StartExporter):
    # A longer time-out never comes: the daemon's own signs of life keep it away. One as
    # short may come before the file does: then there is another push.
    daemon = start_daemon(read_only="no", timeout="1")
    exporter = start_exporter("-p", daemon.log)
    huge = acts.huge(daemon.folder / "huge")

    def stalls_amid_file() -> bool:
        assert run("--bwlimit=10", huge, daemon.url("exercise/")).returncode != 0
        return b"[generator] io timeout" in daemon.log.read_bytes()

    eventually(stalls_amid_file, "a push that stalls amid a file")
    pushes = daemon.log.read_bytes().count(b"rsync to exercise/")
    samples = expect(exporter, {sessions("timeout", "push"): pushes})
    failure = {"code": 30, "name": "timeout", "role": "generator"}
    labels = {"module": "exercise", **failure}
    assert samples[sample("rsyncd_errors_total", **labels)] == 1


def test_clients_over_ipv6(start_daemon: StartDaemon, start_exporter: StartExporter):
    daemon = start_daemon(address="::1")
    networks = {"RSYNC_EXPORTER_CLIENT_NETWORKS": "1"}
    exporter = start_exporter("-p", daemon.log, environment=networks)
    pull(daemon, "small")
    pull(daemon, "nope", ends=23)
    samples = expect(exporter, {sessions("ok"): 1, sessions("partial"): 1})
    assert b"(::1)" in daemon.log.read_bytes()
    for direction in ("sent", "received"):
        labels = {"network": "::/48", "direction": direction}
        of_network = samples[sample("rsyncd_client_bytes_total", **labels)]
        assert of_network == samples[f"rsync_data_{direction}_bytes_total"] > 0


def test_clients_whose_names_are_not_looked_up(
    start_daemon: StartDaemon, start_exporter: StartExporter
):
    daemon = start_daemon(reverse_lookup="no", transfer_logging="yes")
    exporter = start_exporter("-p", daemon.log)
    pull(daemon, "small")
    assert run(daemon.url("nowhere/"), daemon.folder).returncode == 5
    unknown = sessions("unknown_module", "none", "")
    samples = expect(exporter, {sessions("ok"): 1, unknown: 1})
    assert b"connect from UNDETERMINED (127.0.0.1)" in daemon.log.read_bytes()
    sent = {"module": "exercise", "operation": "send"}
    assert samples[sample("rsyncd_files_total", **sent)] == 1


def test_a_configuration_with_a_mistake_is_complained_of_before_each_session(
    start_daemon: StartDaemon, start_exporter: StartExporter
):
    daemon = start_daemon(colour="blue")
    exporter = start_exporter("-p", daemon.log)
    pull(daemon, "small")
    samples = expect(exporter, {sessions("ok"): 1})
    assert b'Unknown Parameter encountered: "colour"' in daemon.log.read_bytes()
    for result in ("unparsed", "suspect"):
        lines = {"file": daemon.log, "result": result}
        assert samples[sample("rsync_exporter_lines_total", **lines)] == 0
