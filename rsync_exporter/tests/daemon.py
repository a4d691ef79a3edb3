"""A real rsync daemon on a free port of loopback, and real clients of it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from rsync_exporter.tests.running import eventually, free_port

type Settings = Mapping[str, str]

CLIENT_TIMEOUT_SECONDS = 30

# Nothing but the log may grow that far on the daemon's side: a disk that is full.
FILE_LIMIT_BYTES = 8 << 20

# Root's daemon would serve as nobody, who cannot enter the tests' folders.
RIGHTS: Settings = {"uid": "0", "gid": "0"} if os.getuid() == 0 else {}

SECRETS = "alice:wonder\nbob:builder\n"


class Daemon:
    """An rsync daemon in a folder of its own.

    settings: of all modules, and global ones: they win over those that tests need.
    modules: the settings of each; without a path, a module serves a folder of its own,
        which is made when it is missing.
    """

    def __init__(
        self,
        folder: Path,
        modules: Mapping[str, Settings],
        settings: Settings | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "rsyncd.log"
        self.configuration = folder / "rsyncd.conf"
        self.secrets = folder / "secrets"
        self._settings: Settings = {
            "port": str(free_port()),
            "address": "127.0.0.1",
            "use chroot": "no",
            "log file": str(self.log),
            **RIGHTS,
            **(settings or {}),
        }
        self._configure(modules)
        self.start()

    def start(self) -> None:
        """Run the daemon until it listens: at first, and again after a stop."""
        starts = self._starts()
        run = f"trap '' XFSZ; ulimit -f {FILE_LIMIT_BYTES >> 10}; exec \"$@\""
        self._process = subprocess.Popen(
            [
                *("bash", "-c", run, "rsyncd", "rsync", "--daemon", "--no-detach"),
                f"--config={self.configuration}",
            ]
        )
        try:
            eventually(lambda: self._starts() > starts, "the daemon's first line")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the daemon, and wait for the end of its sessions."""
        with self._process:
            self._process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def served(self, module: str) -> Path:
        """Return the folder of a module that named none."""
        return self.folder / "served" / module

    def url(self, path: str, user: str = "") -> str:
        """Return the address of something that the daemon serves."""
        host = self._settings["address"]
        host = f"[{host}]" if ":" in host else host
        return f"rsync://{user and f'{user}@'}{host}:{self.port}/{path}"

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._settings["port"])

    def messages(self, module: str) -> bytes:
        """Return all that the sessions of a module logged: an independent reading."""
        records, processes = self._records(), self.processes(module)
        return b"".join(line + b"\n" for pid, line in records if pid in processes)

    def processes(self, module: str) -> set[int]:
        """Return the process of each session of a module, by the log."""
        let_in = re.compile(
            rb"rsync (?:denied|allowed access) on module %b from .*"
            % re.escape(module.encode())
        )
        return {pid for pid, message in self._records() if let_in.fullmatch(message)}

    def logs(self) -> list[Path]:
        """Return every log file that is there: the daemon's, then those of modules."""
        others = set(self.folder.glob("*.log")) - {self.log}
        return [self.log, *sorted(others)]

    def has_sessions(self) -> bool:
        """Whether a process of it still serves somebody."""
        pid = self._process.pid
        return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def _configure(self, modules: Mapping[str, Settings]) -> None:
        self.secrets.write_text(SECRETS)
        self.secrets.chmod(0o600)
        text = _section(self._settings)
        for name, settings in modules.items():
            if "path" not in settings:
                self.served(name).mkdir(parents=True, exist_ok=True)
            text += f"\n[{name}]\n"
            text += _section({"path": str(self.served(name)), **settings})
        self.configuration.write_text(text)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        for log in self.logs():
            for line in log.read_bytes().splitlines():
                _date, _time, pid, message = line.split(b" ", 3)
                yield int(pid[1:-1]), message

    def _starts(self) -> int:
        if not self.log.exists():
            return 0
        return self.log.read_bytes().count(b"starting, listening")


class Client:
    """An rsync client under way, in a group of processes of its own.

    As a context, it is killed at the end if it still runs.
    """

    def __init__(self, *arguments: str | Path, password: str = "") -> None:
        self._process = subprocess.Popen(
            [
                *("rsync", "-rt", "--stats", "--no-human-readable"),
                *map(os.fsencode, arguments),
            ],
            env={**os.environ, "LC_ALL": "C", "RSYNC_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            if self.is_running():
                self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the client."""
        os.killpg(self._process.pid, number)

    def interrupt(self, number: signal.Signals) -> None:
        """End it by a signal, and see that it ends.

        SIGTERM goes to its first process, which tells the others; all of them at once
        may wait for each other (measured: rsync 3.5.0). It also repeats what it wrote
        last. Asleep, that was a whole block, which does no harm; part of one may end
        the file for the daemon, which then logs it.
        """
        if number == signal.SIGKILL:
            self.send(number)
        else:
            eventually(self._is_asleep, "a client that waits for something")
            self._process.send_signal(number)
        assert self.finish().returncode in (-number, 20)

    def is_running(self) -> bool:
        """Whether it is still at work."""
        return self._process.poll() is None

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end; return its exit code and all that it printed."""
        output, _ = self._process.communicate(timeout=CLIENT_TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(
            self._process.args, self._process.returncode, output
        )

    def _is_asleep(self) -> bool:
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "S"


def run(*arguments: str | Path, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run a client to its end."""
    with Client(*arguments, password=password) as client:
        return client.finish()


def _section(settings: Settings) -> str:
    return "".join(f"    {name} = {value}\n" for name, value in settings.items())
