"""The running stack as its tests see it: Docker Compose, HTTP and Prometheus."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
ADDRESS = os.environ.get("BIND_ADDRESS", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")
SERVICES = (
    "interceptor",
    "host_exporter",
    "rsync_exporter",
    "esnet_collector",
    "exporter_proxy",
    "site_checker",
    "db_writer",
)


def execute(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository; its exit code is for the caller to judge."""
    return subprocess.run(
        words,
        check=False,
        cwd=REPOSITORY,
        input=text,
        capture_output=True,
        text=True,
        timeout=180,
    )


def compose(*arguments: str) -> str:
    """Run ``docker compose`` and return its output; a failure shows what it said."""
    done = execute("docker", "compose", *arguments)
    assert done.returncode == 0, f"docker compose {arguments}: {done.stderr}"
    return done.stdout


def get(port: int, path: str) -> tuple[int, str]:
    """Return the status and text of a published address."""
    try:
        with urllib.request.urlopen(
            f"http://{ADDRESS}:{port}{path}", timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def query(expression: str) -> dict[str, float]:
    """Return Prometheus' instant answer: each series' labels as JSON, and its value."""
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    status, body = get(9090, path)
    assert status == 200, body
    return {
        json.dumps(series["metric"], sort_keys=True): float(series["value"][1])
        for series in json.loads(body)["data"]["result"]
    }


def total(expression: str) -> float:
    """Return the sum over all series of the expression, 0 when there are none."""
    return sum(query(expression).values())


def rows(database: str, statement: str) -> list[list[str]]:
    """Return the rows of a statement run in the stack's ``mysql`` or ``postgres``."""
    clients = {
        "mysql": 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql -uroot -BN',
        "postgres": "exec psql -U postgres -d sites --no-align --tuples-only -F '\t'",
    }
    command = ("docker", "compose", "exec", "-T", database, "sh", "-c")
    done = execute(*command, clients[database], text=statement)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def containers() -> dict[str, str]:
    """Return each running container's state, "healthy" where its check says so."""
    listing = compose("ps", "--format", "json")
    entries = [json.loads(line) for line in listing.splitlines()]
    return {entry["Name"]: entry["Health"] or entry["State"] for entry in entries}


def eventually[T](probe: Callable[[], T], within_seconds: float) -> T:
    """Call the probe until it returns something true, and return that.

    A probe may also fail while it waits; the last failure is the one that is shown.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            result: T | None = probe()
            reason: Any = f"last result: {result!r}"
        except (AssertionError, OSError) as error:
            result, reason = None, error
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {within_seconds} s; {reason}"
        time.sleep(1)
