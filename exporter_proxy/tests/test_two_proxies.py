"""Two programs on the stack's Redis: kill either, and nothing taken is lost."""

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter_proxy.tests.running import Running, free_port, wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
REDIS = "redis://redis:6379/0"


class Program:
    """One proxy as a program."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.running = Running(free_port(), free_port(), folder / "receiver.sock")
        self.config = folder / "config.toml"
        self.config.write_text(
            f'{self.running.file()}receiver.acknowledge = true\nstore.kind = "redis"\n'
            f'store.redis_url = "{REDIS}"\nstore.key_prefix = "{prefix}"\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter_proxy", "-c", self.config], cwd=ROOT
        )
        wait_until(self.running.answers)

    def end(self, number: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(20)

    def push(self, message: bytes) -> None:
        """Return when it was taken, and so is in Redis."""
        with self.running.tcp() as connection:
            connection.sendall(message + b"\n")
            assert connection.makefile("rb").readline().startswith(b"ok ")

    def served(self) -> set[str]:
        return set(self.running.served())


@pytest.fixture
def programs(tmp_path: Path, prefix: str) -> Iterator[tuple[Program, Program]]:
    with ExitStack() as ends:
        made = []
        for name in ("one", "other"):
            folder = tmp_path / name
            folder.mkdir()
            made.append(Program(folder, prefix))
            ends.callback(made[-1].end, signal.SIGTERM)
            made[-1].start()
        yield made[0], made[1]


class Stream(threading.Thread):
    """Pushes one application after another, and notes which were taken."""

    def __init__(self, running: Running, name: str) -> None:
        super().__init__()
        self._running = running
        self._name = name
        self.taken: list[str] = []

    def run(self) -> None:
        with socket.socket() as connection:
            connection.connect(("127.0.0.1", self._running.tcp_port))
            answers = connection.makefile("r")
            try:
                for number in range(100_000):
                    sample = f"{self._name}_{number} 1"
                    name = f"{self._name}{number}"
                    connection.sendall(f'{{"{name}": "{sample}"}}\n'.encode())
                    if not answers.readline().startswith("ok"):
                        return
                    self.taken.append(sample)
            except OSError:
                return


def test_a_kill_in_the_middle_of_pushes_loses_nothing_that_was_taken(
    programs: tuple[Program, Program],
):
    one, other = programs
    for killed, survivor, name in ((one, other, "a"), (other, one, "b")):
        streams = [Stream(killed.running, f"{name}{n}") for n in range(4)]
        for stream in streams:
            stream.start()
        wait_until(lambda: all(len(stream.taken) > 500 for stream in streams))  # noqa: B023 - called at once
        killed.end(signal.SIGKILL)
        for stream in streams:
            stream.join()
        taken = {sample for stream in streams for sample in stream.taken}
        wait_until(lambda: taken <= survivor.served())  # noqa: B023 - called at once
        killed.start()
        assert taken <= killed.served()
        assert killed.served() == survivor.served()


def test_what_one_takes_the_other_s_next_answer_has(programs: tuple[Program, Program]):
    one, other = programs
    for number in range(30):
        one.push(b'{"shop": "a %d"}' % number)
        assert f"a {number}" in other.served()


def test_the_link_is_in_the_metrics(programs: tuple[Program, Program]):
    one, _ = programs
    one.push(b'{"shop": "a 1"}')
    metrics = one.running.get("/metrics/self")[1]
    assert "exporter_proxy_store_up 1.0" in metrics
    assert re.search(r'store_changes_total{outcome="saved"} 1.0', metrics)


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        (REDIS, 0, "all is well"),
        ("redis://redis:1", 1, "store.redis_url: Error 111 connecting to redis:1"),
        ("redis://me:hidden@redis", 1, "store.redis_url: invalid username-password"),
        ("redis://nobody.invalid", 1, "store.redis_url: Error -2 connecting to"),
    ],
)
def test_check_tells_whether_redis_can_be_used(
    tmp_path: Path, prefix: str, url: str, code: int, told: str
):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\nkind = "redis"\nredis_url = "{url}"\nkey_prefix = "{prefix}"\n'
    )
    checked = subprocess.run(
        [sys.executable, "-m", "exporter_proxy", "-c", config, "--check"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
    )
    assert checked.returncode == code
    assert told in checked.stdout + checked.stderr
    assert "hidden" not in checked.stdout + checked.stderr
