"""The demo's daemon in a folder of the tests."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

CONFIGURATION = Path(__file__).parents[1] / "rsyncd.conf"
PATIENCE_SECONDS = 20


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def write_conf(folder: Path, uid: str) -> Path:
    """Write the demo's configuration with a free port and everything in one folder.

    uid: whom a daemon of root's serves as; any other user's cannot choose.
    """
    text = CONFIGURATION.read_text()
    for old, new in (
        ("port = 8737", f"port = {free_port()}\naddress = localhost"),
        ("/tmp/demo", f"{folder}/files"),
        ("/var/log/rsyncd", str(folder)),
    ):
        assert old in text
        text = text.replace(old, new)
    if os.getuid() == 0:
        text = f"uid = {uid}\ngid = *\n{text}"
    path = folder / "rsyncd.conf"
    path.write_text(text)
    return path
