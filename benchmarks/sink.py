"""A server that reads requests and does nothing: it shows what the client can do."""

import re
import socket
import sys
import threading

from benchmarks.process import Program

PROGRAM = Program("sink", "/", (sys.executable, "-m", "benchmarks.sink", "{port}"))

_ROOM_BYTES = 2**20
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def main(port: int) -> None:
    """Answer every request on a port until killed."""
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            client, _ = server.accept()
            threading.Thread(target=_attend, args=[client], daemon=True).start()


def _attend(client: socket.socket) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    room = bytearray(_ROOM_BYTES)
    with client:
        while received := client.recv_into(room):
            left = _request_bytes(room) - received
            while left > 0:
                left -= client.recv_into(room)
            client.sendall(_ANSWER)


def _request_bytes(start: bytearray) -> int:
    head = start[: start.index(b"\r\n\r\n") + 4]
    length = re.search(rb"Content-Length: (\d+)", head)
    return len(head) + (int(length[1]) if length else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
