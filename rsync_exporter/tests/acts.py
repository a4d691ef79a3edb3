"""What clients do to a real daemon: each act takes place in a module of its own."""

import os
import re
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rsync_exporter.tests.daemon import Client, Daemon, run
from rsync_exporter.tests.running import eventually
from rsync_exporter.tests.says import Moved

ODD_NAMES = {
    "blanks": "name with blanks.txt",
    "tab": "tab\there.txt",
    "latin1": os.fsdecode(b"latin1-\xe9\xff.txt"),
    "utf8": "utf8-é日本.txt",
    "newline": "new\nline.txt",
    "escape": "esc\x1b[31m.txt",
    "backslash": "back\\#012slash.txt",
    "message": "connect from evil (1.2.3.4)",
    "digits": "trailing digits 12345",
    "client": "x from evil.example (9.9.9.9)",
}
FILES = {
    "small": 1_000,
    "large": 300_000,
    "sub/deep": 2_000,
    **{name: size for size, name in enumerate(ODD_NAMES.values(), 1)},
}
HUGE_BYTES = 5 << 30
LETTER_BYTES = 777

_STATS = re.compile(
    r"Total bytes sent: (?P<sent>\d+)\nTotal bytes received: (?P<received>\d+)"
)

# Both sides are slow enough to be met half-way.
SLOWLY = "--bwlimit=1000"


@dataclass(frozen=True)
class Site:
    """Where an act takes place: a module of a daemon, and a folder of the client."""

    daemon: Daemon
    module: str
    home: Path

    @property
    def served(self) -> Path:
        """The module's own folder."""
        return self.daemon.served(self.module)

    @property
    def copy(self) -> Path:
        """Where the client puts what it pulls."""
        return self.home / "copy"

    def url(self, path: str = "", user: str = "") -> str:
        """Return the address of something in the module."""
        return self.daemon.url(f"{self.module}/{path}", user)

    def letters(self) -> Path:
        """Return a folder of one file to push."""
        folder = self.home / "letters"
        if not folder.exists():
            folder.mkdir()
            (folder / "letter").write_bytes(b"x" * LETTER_BYTES)
        return folder


# It may return what each session moved, where its client can tell that exactly.
type Act = Callable[[Site], list[Moved] | None]


def exercise(folder: Path) -> Path:
    """Fill a folder with the files that are there to be pulled, and return it."""
    for name, size in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return folder


def huge(folder: Path) -> Path:
    """Make a folder of a file too long to be pulled in a test, and return it."""
    folder.mkdir()
    with (folder / "huge").open("wb") as file:
        file.truncate(HUGE_BYTES)
    return folder


def pull(*paths: str, options: str = "", login: str = "", ends: int = 0) -> Act:
    """Return the act of a client that pulls these paths, or the whole module."""

    def act(site: Site) -> list[Moved]:
        user, _, password = login.partition(":")
        urls = [site.url(path, user) for path in paths or ("",)]
        done = run(*options.split(), *urls, site.copy, password=password)
        assert done.returncode == ends, done.stdout
        return _moved(done.stdout)

    return act


def push(to: str = "", options: str = "", login: str = "", ends: int = 0) -> Act:
    """Return the act of a client that pushes a letter."""

    def act(site: Site) -> None:
        user, _, password = login.partition(":")
        letters = f"{site.letters()}/"
        done = run(*options.split(), letters, site.url(to, user), password=password)
        assert done.returncode == ends, done.stdout

    return act


def twice(act: Act) -> Act:
    """Return the act of doing the same again."""

    def acts(site: Site) -> list[Moved]:
        return [*(act(site) or ()), *(act(site) or ())]

    return acts


def where(*names: str, then: Act) -> Act:
    """Return an act in a module that has these files already."""

    def act(site: Site) -> list[Moved] | None:
        for name in names:
            path = site.served / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return then(site)

    return act


def ask_for(module: str) -> Act:
    """Return the act of a client that asks for a module that is not there."""

    def act(site: Site) -> None:
        done = run(site.daemon.url(f"{module}/"), site.copy)
        assert done.returncode == 5, done.stdout

    return act


def list_modules(site: Site) -> None:
    """Ask which modules there are."""
    assert run(site.daemon.url("")).returncode == 0


def list_files(site: Site) -> None:
    """Ask which files a module has."""
    assert run("--list-only", site.url()).returncode == 0


def say(request: bytes) -> Act:
    """Return the act of a program that is no rsync, and says this to the daemon."""

    def act(site: Site) -> None:
        address = ("127.0.0.1", site.daemon.port)
        with (
            socket.create_connection(address, timeout=10) as peer,
            suppress(ConnectionResetError),
        ):
            peer.recv(100)
            peer.sendall(request)
            while request and peer.recv(65_536):
                pass

    return act


def pull_unreadable_files(site: Site) -> None:
    """Pull one file that the daemon may read; and not another, and not a folder."""
    (site.served / "readable").write_bytes(b"x" * 10)
    (site.served / "secret").write_bytes(b"x" * 20)
    (site.served / "secret").chmod(0)
    (site.served / "closed").mkdir(mode=0)
    pull(ends=23)(site)


def pull_vanishing_file(site: Site) -> None:
    """Delete a file after it was listed, while the one before it is under way."""
    (site.served / "1").write_bytes(b"x" * 100_000)
    (site.served / "2").write_bytes(b"x" * 10)
    with Client("--bwlimit=100", site.url(), site.copy) as client:
        _wait_for_file_under_way(site.copy)
        (site.served / "2").unlink()
        assert client.finish().returncode == 24


def break_pull(number: signal.Signals) -> Act:
    """Return the act of a client that is interrupted half-way of a pull."""

    def act(site: Site) -> None:
        with Client(SLOWLY, site.url(), site.copy) as client:
            _wait_for_file_under_way(site.copy)
            client.interrupt(number)

    return act


def break_push(number: signal.Signals) -> Act:
    """Return the act of a client that is interrupted half-way of a push."""

    def act(site: Site) -> None:
        with Client(SLOWLY, huge(site.home / "huge"), site.url()) as client:
            _wait_for_file_under_way(site.served / "huge")
            client.interrupt(number)

    return act


def end_server(number: signal.Signals) -> Act:
    """Return the act of somebody who ends a daemon's process half-way of a pull."""

    def act(site: Site) -> None:
        with Client(SLOWLY, site.url(), site.copy) as client:
            _wait_for_file_under_way(site.copy)
            for pid in site.daemon.processes(site.module):
                os.kill(pid, number)
            assert client.finish().returncode != 0

    return act


def stall_pull(site: Site) -> None:
    """Stop reading until the daemon loses patience."""
    with Client("-S", site.url(), site.copy) as client:
        _wait_for_file_under_way(site.copy)
        _stall(client, site)


def pull_while_another_does(site: Site) -> None:
    """Ask for a module that serves one client, while it serves one."""
    with Client(SLOWLY, site.url(), site.copy) as client:
        _wait_for_file_under_way(site.copy)
        assert run(site.url(), site.copy).returncode == 5
        client.interrupt(signal.SIGTERM)


def push_too_much(site: Site) -> None:
    """Push a file that is longer than what the daemon can store."""
    big = site.home / "big"
    with big.open("wb") as file:
        file.truncate(9 << 20)
    assert run(big, site.url()).returncode == 11


def push_other_kinds(site: Site) -> None:
    """Push a file, a link, and a pipe, which is left out."""
    (site.letters() / "link").symlink_to("letter")
    os.mkfifo(site.letters() / "pipe")
    push(options="-l")(site)


def _moved(stats: str) -> list[Moved]:
    """Return what a pull moved, by the daemon's count.

    A client prints its own before the last messages: 20 bytes one way, and 5 the other
    (measured: rsync 3.5.0). Of a pull of nothing at all they are not sent.
    """
    found = _STATS.search(stats)
    if found is None:
        return []
    last = 0 if "Number of files: 0\n" in stats else 1
    return [Moved(int(found["received"]) + 20 * last, int(found["sent"]) + 5 * last)]


def _stall(client: Client, site: Site) -> None:
    client.send(signal.SIGSTOP)
    eventually(
        lambda: b"io timeout" in site.daemon.messages(site.module),
        "the daemon's patience to end",
    )
    client.interrupt(signal.SIGKILL)


def _wait_for_file_under_way(folder: Path) -> None:
    """Wait for the hidden file that rsync writes to until it has all of it."""
    eventually(lambda: any(folder.glob(".*")), f"a file under way to {folder}")
