"""A web server that answers as it is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What the web server says: a hang-up comes after ``body``, however long it is."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised_bytes: int | None = None
    hang_up: bool = False


class Website:
    """A real web server on the loopback; ``requests`` keeps the request targets."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[str], Answer] = lambda _target: Answer()
        self.url = ""

    def says(self, *answers: Answer) -> None:
        """Give these answers one after the other, the last one again and again."""
        left = list(answers)
        self.answer = lambda _target: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving(site: Website) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append(self.path)
            site.headers.append(dict(self.headers))
            answer = site.answer(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            promised = answer.promised_bytes
            self.send_header(
                "Content-Length",
                str(len(answer.body) if promised is None else promised),
            )
            self.end_headers()
            self.wfile.write(answer.body)
            if answer.hang_up:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that hang up: tests make them do so."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/api/network/esnet/prod"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
