import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

COMMAND = [sys.executable, "-m", "host_exporter"]
NO_SERVER = {"MYSQL_PASSWORD": "x", "MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "1"}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def unhealthy(url: str) -> dict[str, str]:
    """Return the reasons that /healthz gives, as soon as there is a server."""
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.loads(error.read())["problems"])
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_wrong_settings_are_all_told_and_exit_2():
    done = run(QUERY_INTERVAL_SECONDS="0", METRICS_PORT="65536")
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "MYSQL_PASSWORD",
        "QUERY_INTERVAL_SECONDS",
        "METRICS_PORT",
    ]


def test_check_names_a_server_that_is_away_and_exits_1():
    done = run("--check", **NO_SERVER)
    assert done.returncode == 1
    assert done.stderr.startswith("MYSQL_HOST 127.0.0.1: (2003, ")
    assert len(done.stderr.splitlines()) == 1


def test_it_waits_for_the_server_says_so_and_ends_as_asked():
    port = free_port()
    service = subprocess.Popen(
        COMMAND,
        env={"PATH": os.environ["PATH"], "METRICS_PORT": str(port), **NO_SERVER},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "mysql" in unhealthy(f"http://127.0.0.1:{port}/healthz")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"# TYPE mysql_connections_by_host gauge" in answer.read()
    finally:
        started = time.monotonic()
        service.send_signal(signal.SIGTERM)
        output, _ = service.communicate(timeout=10)
    assert service.returncode == 0
    assert time.monotonic() - started < 5
    assert " -> mysql failed attempt=1 retry_in_seconds=" in output
    assert output.splitlines()[-1].endswith(" -> stopped")
