import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

COMMAND = [sys.executable, "-m", "interceptor"]


def environment(**settings: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **settings}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def get(url: str) -> tuple[int, str]:
    """Return status and body, as soon as there is a server."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_wrong_settings_are_all_told_and_exit_2():
    done = subprocess.run(
        COMMAND,
        check=False,
        env=environment(PORTS="99999", HEARTBEAT_INSERTS="often"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "MYSQL_PASSWORD",
        "PORTS",
        "HEARTBEAT_INSERTS",
    ]


def test_check_names_everything_that_is_missing_and_exits_1():
    done = subprocess.run(
        [*COMMAND, "--check"],
        check=False,
        env=environment(
            MYSQL_PASSWORD="x",
            MYSQL_HOST="127.0.0.1",
            MYSQL_PORT="1",
            INTERFACE="nosuch0",
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    tcpdump, mysql = done.stderr.splitlines()
    assert tcpdump.startswith("INTERFACE nosuch0: tcpdump: nosuch0: ")
    assert mysql.startswith("MYSQL_HOST 127.0.0.1: (2003, ")


def test_help_lists_every_setting():
    done = subprocess.run(
        [*COMMAND, "--help"],
        check=True,
        env=environment(),
        capture_output=True,
        text=True,
    )
    for name in ("MYSQL_HOST", "PORTS", "INTERFACE", "TRAFFIC_TARGETS", "QUEUE_ROWS"):
        assert name in done.stdout


def test_it_lives_without_server_and_interface_says_so_and_ends_as_asked():
    port = free_port()
    service = subprocess.Popen(
        COMMAND,
        env=environment(
            MYSQL_PASSWORD="x",
            MYSQL_HOST="127.0.0.1",
            MYSQL_PORT="1",
            INTERFACE="nosuch0",
            METRICS_PORT=str(port),
            TRAFFIC_TARGETS="http://127.0.0.1:1",
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        status, body = get(f"http://127.0.0.1:{port}/healthz")
        assert status == 503
        assert {"mysql", "tcpdump"} <= json.loads(body)["problems"].keys()
        _, exposition = get(f"http://127.0.0.1:{port}/metrics")
        families = {
            family.name for family in text_string_to_metric_families(exposition)
        }
        assert "interceptor_connections_captured" in families
    finally:
        started = time.monotonic()
        service.send_signal(signal.SIGTERM)
        output, _ = service.communicate(timeout=10)
    assert service.returncode == 0
    assert time.monotonic() - started < 5
    assert " -> tcmdump command running: tcpdump " in output
    assert output.splitlines()[-1].endswith(
        " -> stopped captured=0 inserted=0 dropped=0"
    )
