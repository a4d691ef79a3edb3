"""A changed configuration counts without a restart, and a wrong one changes nothing."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from exporter_proxy.config import Config, read
from exporter_proxy.metrics import PREFIX, Metrics
from exporter_proxy.reload import Reload, left_for_a_restart
from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tests.running import Exporter, Running, free_port, wait_until
from servicekit import SettingsError

ROOT = Path(__file__).parents[2]


@dataclass
class Started:
    """The program with its file, and what it logs."""

    process: subprocess.Popen[bytes]
    running: Running
    config: Path
    output: Path

    def log(self) -> str:
        return self.output.read_text()

    def write(self, more: str) -> None:
        """Let the file say something else, beside where to listen."""
        self.config.write_text(self.running.file() + more, encoding="utf-8")

    def reload(self, more: str) -> str:
        """Change the file, and return what is logged when it is read again."""
        before = len(self.log())
        self.write(more)
        self.process.send_signal(signal.SIGHUP)
        ends = "took up the configuration", "wrong configuration"
        wait_until(lambda: any(end in self.log()[before:] for end in ends))
        return self.log()[before:]

    def own(self, name: str) -> float:
        """Return one of the proxy's own metrics without labels."""
        lines = self.running.metrics()
        [line] = [each for each in lines if each.startswith(f"{PREFIX}{name} ")]
        return float(line.split()[1])


type Program = Callable[[str], Started]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """Start the program with some lines more in its file; it has to end in order."""
    all_started: list[Started] = []

    def start(more: str) -> Started:
        running = Running(free_port(), free_port(), tmp_path / "receiver.sock")
        config, output = tmp_path / "config.toml", tmp_path / "output"
        with output.open("w") as log:
            config.write_text(running.file() + more, encoding="utf-8")
            process = subprocess.Popen(
                [sys.executable, "-m", "exporter_proxy", "-c", config],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"TMPDIR": str(tmp_path)},
            )
        started = Started(process, running, config, output)
        all_started.append(started)
        wait_until(lambda: "started http=" in started.log())
        return started

    yield start
    for started in all_started:
        started.process.terminate()
        assert started.process.wait(10) == 0
        assert "Traceback" not in started.log()


def test_who_may_scrape_changes_at_once(program: Program):
    started = program("")
    assert started.running.get("/metrics")[0].status == 200

    log = started.reload('access.scrape.tokens = ["t0ken"]\n')
    assert f"took up the configuration file={started.config}" in log
    assert started.running.get("/metrics")[0].status == 401
    assert started.running.get("/healthz")[0].status == 200

    started.reload("")
    assert started.running.get("/metrics")[0].status == 200


def test_a_wrong_file_changes_nothing_and_every_problem_is_told(program: Program):
    started = program('applications.bad_lines = "drop"\n')
    first = started.own("config_last_reload_timestamp_seconds")
    assert started.own("config_last_reload_successful") == 1

    log = started.reload(
        'access.scrape.tokens = ["t0ken"]\n'
        'receiver.format = "xml"\n'
        "exporter.colour = 1\n"
        "access.push.require_client_certificate = true\n"
    )
    assert "receiver.format: expected one of any, json, capnp" in log
    assert "exporter.colour: no such key" in log
    assert log.count("ERROR @ ") == 2
    assert started.running.get("/metrics")[0].status == 200
    assert started.own("config_last_reload_successful") == 0
    assert started.own("config_last_reload_timestamp_seconds") == first

    started.reload("")
    assert started.own("config_last_reload_successful") == 1
    assert started.own("config_last_reload_timestamp_seconds") > first


def test_a_file_that_is_gone_changes_nothing(program: Program):
    started = program("")
    started.config.rename(started.config.with_suffix(".gone"))

    started.process.send_signal(signal.SIGHUP)

    wait_until(lambda: "cannot read the configuration: [Errno 2]" in started.log())
    assert started.running.get("/metrics")[0].status == 200


def test_new_limits_and_lifetimes_count_for_what_is_there_already(program: Program):
    started = program("")
    started.running.push(b'{"shop": "a{x=\\"1\\"} 1\\na{x=\\"2\\"} 2"}')
    assert len(started.running.served()) == 2

    started.reload("applications.max_series = 1\n")
    started.running.push(b'{"shop": "a{x=\\"1\\"} 3\\na{x=\\"2\\"} 4"}')
    assert 'a{x="1"} 1' in started.running.served()

    started.reload('applications.ttl = "0.5"\n')
    wait_until(lambda: started.running.served() == [])


def test_who_is_polled_changes(program: Program, exporter: Exporter):
    started = program("")
    assert started.running.served() == []

    poll = f'poll_external.other_scrape_endpoints = ["{exporter.url}"]\n'
    started.reload(poll + "poll_external.poll_interval = 0.2\n")
    wait_until(lambda: started.running.served() == ["polled 1"])

    started.reload("")
    wait_until(lambda: started.running.served() == [])


def test_keys_that_take_a_restart_are_named_on_one_line(program: Program):
    started = program("")

    log = started.reload(
        'exposition.duplicate_series = "sum"\n'
        'snapshot.path = "/tmp/snapshot"\n'
        'receiver.format = "json"\n'
    )

    [line] = [each for each in log.splitlines() if "after a restart" in each]
    assert line.endswith("keys=exposition.duplicate_series,snapshot.path")


def test_signals_in_a_row_neither_pile_up_nor_end_it(program: Program):
    started = program("")

    for _ in range(50):
        started.process.send_signal(signal.SIGHUP)

    assert "took up" in started.reload("")
    assert started.running.get("/healthz")[0].status == 200


def tls(pair: Pair, more: str = "") -> str:
    return (
        f'exporter.tls = true\ntls.certificate = "{pair.certificate}"\n'
        f'tls.key = "{pair.key}"\n{more}'
    )


@contextmanager
def connected(started: Started, trusted: Authority) -> Iterator[ssl.SSLSocket]:
    """Yield a connection that has shaken hands."""
    context = ssl.create_default_context(cafile=str(trusted.pair.certificate))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    address = "127.0.0.1", started.running.http_port
    with (
        socket.create_connection(address, timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as safe,
    ):
        yield safe


def serial(started: Started, trusted: Authority) -> str:
    with connected(started, trusted) as connection:
        certificate = connection.getpeercert()
        assert certificate
        return str(certificate["serialNumber"])


def test_a_certificate_renewed_on_disk_is_shown_to_the_next_client(
    program: Program, authority: Authority
):
    more = tls(authority.issue("server"))
    started = program(more)
    first = serial(started, authority)

    with connected(started, authority) as kept:
        authority.issue("server")
        assert serial(started, authority) == first
        started.reload(more)
        assert serial(started, authority) != first

        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_a_certificate_without_its_key_leaves_the_old_one(
    program: Program, authority: Authority
):
    own, other = authority.issue("server"), authority.issue("other")
    started = program(tls(own))
    first = serial(started, authority)

    log = started.reload(tls(Pair(other.certificate, own.key)))

    assert f"tls.key: {own.key}: not the key of the certificate" in log
    assert serial(started, authority) == first


def test_tls_may_come_and_go_and_the_health_check_knows(
    program: Program, authority: Authority, tmp_path: Path
):
    def health() -> int:
        return subprocess.run(
            [sys.executable, "-m", "servicekit.healthcheck"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            check=False,
            capture_output=True,
        ).returncode

    started = program("")
    assert health() == 0
    started.reload(tls(authority.issue("server")))
    assert serial(started, authority)
    assert health() == 0
    started.reload("")
    assert health() == 0
    assert started.running.get("/metrics")[0].status == 200


def test_wrong_certificates_keep_it_from_starting(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(
        "exporter.tls = true\naccess.push.require_client_certificate = true\n"
        f'tls.certificate = "{tmp_path}/none.pem"\n'
    )
    for more in ([], ["--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "exporter_proxy", "-c", config, *more],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            f"{config}: tls.certificate: {tmp_path}/none.pem: cannot read it: "
            "No such file or directory",
            f"{config}: tls.client_ca: needed wherever clients must show a certificate",
        ]


def configured(folder: Path, text: str) -> Config:
    path = folder / "other.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ('access.push.users = ["a:b"]\nexporter.tls = false', []),
        ("exporter.concurrent_requests = 7\nreceiver.acknowledge = true", []),
        (
            'exporter.scrape_expose_endpoint = "127.0.0.1:1"\n'
            'receiver.receiver_tcp_socket = "127.0.0.1:2"\n'
            'receiver.unix_socket_mode = "0600"\n'
            'exposition.app_label = "always"\n'
            "snapshot.interval = 7\n"
            'store.kind = "redis"\n',
            [
                "exporter.scrape_expose_endpoint",
                "receiver.receiver_tcp_socket",
                "receiver.unix_socket_mode",
                "exposition.app_label",
                "snapshot.interval",
                "store.kind",
            ],
        ),
    ],
)
def test_what_takes_a_restart(tmp_path: Path, text: str, keys: list[str]):
    assert list(left_for_a_restart(read(None), configured(tmp_path, text))) == keys


@pytest.mark.parametrize("mistake", [SettingsError(["too late"]), ValueError("ours")])
def test_a_configuration_that_cannot_be_applied_is_told_and_counted(
    mistake: Exception, caplog: pytest.LogCaptureFixture
):
    async def apply(_: Config) -> None:
        raise mistake

    registry = CollectorRegistry()

    async def reload() -> None:
        await Reload(None, read(None), apply, Metrics(registry)).once()

    asyncio.run(reload())

    assert registry.get_sample_value(f"{PREFIX}config_last_reload_successful") == 0
    assert caplog.records[-1].levelno == logging.ERROR
    assert str(mistake) in caplog.text
