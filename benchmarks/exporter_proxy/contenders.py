"""The programs that are compared: ours, and the Prometheus Pushgateway."""

import sys
from functools import cache

from benchmarks import peers
from benchmarks.process import Program

OURS = "exporter_proxy"
NO_CHECKS = "--push.disable-consistency-check"

_CONFIG = """
[exporter]
scrape_expose_endpoint = "127.0.0.1:{{port}}"
concurrent_requests = {connections}

[receiver]
receiver_tcp_socket = "127.0.0.1:{{second_port}}"
acknowledge = {acknowledge}

[poll_external]
poll_other_scrape_endpoints = false

[applications]
ttl = "{ttl}"
"""


def ours(
    connections: int = 2048, ttl: str = "never", *, acknowledge: bool = False
) -> Program:
    """Return the proxy, with its defaults unless something else is said.

    connections: how many may be open. ttl: how long an application's data is served.
    acknowledge: whether messages to the receiver are answered.
    """
    config = _CONFIG.format(
        connections=connections, ttl=ttl, acknowledge=str(acknowledge).lower()
    )
    return Program(
        OURS,
        "/healthz",
        (sys.executable, "-m", "exporter_proxy", "--config", "{folder}/config.toml"),
        {"config.toml": config},
    )


@cache
def peer(*options: str) -> Program:
    """Return the Pushgateway, with its defaults unless options say otherwise."""
    return peers.pushgateway(*options)
