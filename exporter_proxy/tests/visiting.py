"""Routes of each role, and clients that ask for them."""

import base64
import subprocess

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from exporter_proxy.serve.route import Route


def basic(login: bytes) -> str:
    """Return the header's value for a user and a password with a colon between."""
    return f"Basic {base64.b64encode(login).decode()}"


async def length(request: web.Request) -> web.Response:
    """Answer with the number of bytes that were sent."""
    return web.Response(text=f"{len(await request.read())}\n")


ROUTES = (
    Route("GET", "/metrics", length, "scrape"),
    Route("PUT", "/metrics/job/{job}", length, "push"),
    Route("POST", "/metrics/job/{job}", length, "push"),
    Route("DELETE", "/metrics/job/{job}", length, "admin"),
    Route("GET", "/healthz", length, "open"),
)


def run_curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return how curl ended, and what it printed."""
    command = ["curl", "-sS", "-m", "10", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=20
    )


def curl(url: str, *options: str) -> tuple[int, str]:
    """Return status and body."""
    done = run_curl("-w", "%{stderr}%{http_code}", *options, url)
    assert done.stderr.isdigit(), done.stderr
    return int(done.stderr), done.stdout


def registry() -> CollectorRegistry:
    """Return something for client libraries to push."""
    registry = CollectorRegistry()
    Gauge("shop_a", "A number", registry=registry).set(1)
    return registry
