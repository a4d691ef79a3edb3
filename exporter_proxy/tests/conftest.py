"""Proxies and their parts that run in a thread, and what they need around them."""

import http.server
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis as driver
import uvloop

from exporter_proxy.config import read
from exporter_proxy.proxy import Proxy
from exporter_proxy.tests.certificates import Authority
from exporter_proxy.tests.pushing import Gate, StartGate
from exporter_proxy.tests.receiving import Receive, Receiving
from exporter_proxy.tests.running import (
    DEADLINE_SECONDS,
    Exporter,
    Running,
    Start,
    free_port,
    wait_until,
)
from exporter_proxy.tests.sharing import STACK
from servicekit import Stop


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start proxies on free ports; ``more`` are further lines of the file."""
    ends: list[Callable[[], None]] = []

    def started(more: str) -> Running:
        running = Running(free_port(), free_port(), tmp_path / "receiver.sock")
        path = tmp_path / "config.toml"
        path.write_text(running.file() + more, encoding="utf-8")
        stop = Stop()
        proxy = Proxy(read(path))
        thread = threading.Thread(target=lambda: uvloop.run(proxy.run(stop)))
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(DEADLINE_SECONDS)
            assert not thread.is_alive()

        ends.append(end)
        wait_until(running.answers)
        return running

    yield started
    for end in ends:
        end()


@pytest.fixture
def proxy(start: Start) -> Running:
    """Return a running proxy."""
    return start("")


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """Serve an exporter that can be polled at ``url``."""
    exporter = Exporter()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            exporter.requests += 1
            if exporter.delay:
                exporter.delay.wait(DEADLINE_SECONDS)
            self.send_response(exporter.status)
            if exporter.content_type:
                self.send_header("Content-Type", exporter.content_type)
            self.send_header("Location", "/again")
            self.end_headers()
            self.wfile.write(exporter.body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        exporter.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield exporter
        server.shutdown()
        thread.join()


@pytest.fixture
def receive(tmp_path: Path) -> Iterator[Receive]:
    """Start receivers; ``more`` are further lines of the file."""
    with ExitStack() as running:

        def start(more: str) -> Receiving:
            return running.enter_context(Receiving(tmp_path, more).running())

        yield start


@pytest.fixture
def receiving(receive: Receive) -> Receiving:
    """Return running receivers."""
    return receive("")


@pytest.fixture
def answering(receive: Receive) -> Receiving:
    """Return receivers that acknowledge."""
    return receive("receiver.acknowledge = true")


@pytest.fixture
def start_gate(tmp_path: Path) -> Iterator[StartGate]:
    """Start servers; what is given are lines of the configuration."""
    with ExitStack() as running:

        def start(lines: str) -> Gate:
            path = tmp_path / "config.toml"
            path.write_text(lines, encoding="utf-8")
            gate = Gate(path)
            running.enter_context(gate.running())
            return gate

        yield start


@pytest.fixture
def gate(start_gate: StartGate) -> Gate:
    """Return a running server of pushes over HTTP."""
    return start_gate("")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority whose certificates are in the test's folder."""
    return Authority(tmp_path)


@pytest.fixture
def prefix() -> Iterator[str]:
    """Return a name for keys of the test's own, in the stack's Redis."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with driver.Redis.from_url(STACK.url) as client:
        for key in client.scan_iter(f"*{name}*"):
            client.delete(key)
