"""A TCP proxy whose connections break at moments that a test chooses."""

import socket
import threading
from contextlib import suppress
from typing import Self


class TcpProxy:
    """Stands before a server while the block runs."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._is_cut = False
        self._replies_left: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        """Break all connections, and every new one at once."""
        self._is_cut = True
        for pair in self._pairs:
            _close(*pair)

    def mend(self) -> None:
        """Let new connections pass."""
        self._is_cut = False

    def lose_reply(self, after: int) -> None:
        """Break the connection in place of the server's reply after so many more."""
        self._replies_left = after

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                self._pairs.append((client, server))
                for pump in (self._requests, self._replies):
                    threading.Thread(
                        target=pump, args=[client, server], daemon=True
                    ).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        _close(client, server)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            # A client that waits for each answer gets each one in a piece of its own.
            while data := server.recv(65536):
                if self._replies_left == 0:
                    self._replies_left = None
                    break
                if self._replies_left is not None:
                    self._replies_left -= 1
                client.sendall(data)
        _close(client, server)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):  # the other thread was first
            end.shutdown(socket.SHUT_RDWR)
        end.close()
