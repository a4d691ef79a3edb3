"""Websites for the tests, well-behaved and hostile, each a real server on loopback."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def hostile(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections, each handled by the function; yield the URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def handle(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behave(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=handle, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()


class Website:
    """Pages by path, each a status and a body; ``/hold`` never answers."""

    def __init__(self, pages: dict[str, tuple[int, bytes]]) -> None:
        self._paths: list[str] = []
        self.closing = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._paths.append(self.path)
                if self.path.startswith("/hold"):
                    site.closing.wait()
                    return
                status, body = pages[self.path.split("?")[0]]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def requests(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(self._paths)

    def close(self) -> None:
        """Stop serving, and let go whoever is held."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
