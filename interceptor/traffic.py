"""The demo's visitor: a few requests a second, to every address of every site in turn.

``python -m interceptor.traffic http://www.demo http://shop.demo:8080`` runs it alone.
"""

import argparse
import http.client
import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, repeat
from urllib.parse import SplitResult, urlsplit

from prometheus_client import CollectorRegistry, Counter

from interceptor.program import Program
from interceptor.settings import Settings
from servicekit import Stop, parsers
from servicekit.lifecycle import stop_on_signals
from servicekit.logs import configure_logging

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2
MAX_ANSWER_BYTES = 64 * 1024


def generator(
    settings: Settings, registry: CollectorRegistry, stop: Stop
) -> AbstractContextManager[object]:
    """Return the visitor as a program of its own, or nothing if there is no target."""
    restarts = Counter(
        "interceptor_traffic_restarts",
        "Times the traffic generator ended by itself and was started again",
        registry=registry,
    )
    if not settings.traffic_targets:
        return nullcontext()
    interval = str(settings.traffic_interval_seconds)
    command = [sys.executable, "-m", "interceptor.traffic", "--interval", interval]
    command += settings.traffic_targets
    return Program("traffic generator", command, None, lambda _: restarts.inc(), stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Visit the targets until stopped."""
    parser = argparse.ArgumentParser(prog="python -m interceptor.traffic")
    parser.add_argument("targets", nargs="+", metavar="URL", type=_target)
    parser.add_argument("--interval", type=float, default=0.25, metavar="SECONDS")
    arguments = parser.parse_args(argv)
    configure_logging("INFO", "text")
    with stop_on_signals() as stop:
        travel(arguments.targets, arguments.interval, stop)
    return 0


def travel(targets: Sequence[SplitResult], interval_seconds: float, stop: Stop) -> None:
    """Visit one address after the other, with a pause before each."""
    for target in chain.from_iterable(repeat(targets)):
        for address in addresses(target):
            if stop.wait(interval_seconds):
                return
            log.info(
                "%s address=%s: %s", target.geturl(), address, visit(target, address)
            )


def addresses(target: SplitResult) -> Iterator[str]:
    """Yield each address that the target's name has now, or an empty one for none."""
    try:
        found = socket.getaddrinfo(target.hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        yield ""
    else:
        yield from sorted({str(address[0]) for *_, address in found})


def visit(target: SplitResult, address: str) -> str:
    """Get the page from this address, and return how that went."""
    if not address:
        return "the name has no address"
    site = http.client.HTTPConnection(address, target.port or 80, TIMEOUT_SECONDS)
    try:
        site.request("GET", target.path or "/", headers={"Host": target.netloc})
        answer = site.getresponse()
        answer.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    else:
        return str(answer.status)
    finally:
        site.close()


def _target(text: str) -> SplitResult:
    return urlsplit(parsers.url("http")(text))


if __name__ == "__main__":
    sys.exit(main())
