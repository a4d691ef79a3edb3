"""Standard input and datagrams of syslog: what is sent is heard, or counted as lost."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rsync_exporter.listen import standard_input, syslog
from rsync_exporter.listen.standard_input import StandardInput
from rsync_exporter.listen.syslog import Address, Syslog, open_socket
from rsync_exporter.tail.chunk import Chunk
from rsync_exporter.tests.running import eventually, free_port


class Pipe:
    """A pipe whose other end is read as if it were standard input."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self._reading = reading
        self.heard = StandardInput(reading)
        self.chunks: list[Chunk] = []

    @property
    def lines(self) -> list[bytes]:
        self.chunks.extend(self.heard.poll())
        return [line for chunk in self.chunks for line in chunk.lines]

    def end(self) -> None:
        os.close(self.writing)
        self.writing = os.open(os.devnull, os.O_WRONLY)

    def close(self) -> None:
        self.heard.close()
        os.close(self._reading)
        os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Return a pipe that is listened to."""
    with closing(Pipe()) as pipe:
        yield pipe


def test_lines_are_heard_once_they_are_whole(pipe: Pipe):
    os.write(pipe.writing, b"one\ntw")
    eventually(lambda: pipe.lines == [b"one"], "the first line")
    assert not pipe.chunks[-1].ends
    os.write(pipe.writing, b"o\n")
    eventually(lambda: pipe.lines == [b"one", b"two"], "the second line")
    assert pipe.chunks[-1].ends
    assert pipe.heard.progress().read_bytes == 8
    assert pipe.heard.progress().file == "-"


def test_the_last_line_needs_no_newline(pipe: Pipe):
    os.write(pipe.writing, b"one\ntwo")
    pipe.end()
    eventually(lambda: pipe.lines == [b"one", b"two"], "both lines")
    assert pipe.heard.has_ended


def test_an_end_within_no_line_adds_none(pipe: Pipe):
    os.write(pipe.writing, b"one\n")
    pipe.end()
    eventually(lambda: bool(pipe.lines) and pipe.heard.has_ended, "the end")
    assert pipe.lines == [b"one"]


def test_who_writes_faster_than_we_count_has_to_wait(pipe: Pipe):
    """Nothing is lost, and no more is kept than there is room for."""
    size = standard_input.CAPACITY_BYTES * 3
    written = threading.Event()

    def write() -> None:
        content = (b"x" * 1023 + b"\n") * (size // 1024)
        while content:
            content = content[os.write(pipe.writing, content[:65_536]) :]
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert not written.wait(0.3)
    eventually(lambda: len(pipe.lines) == size // 1024, "every line")
    writer.join()


def test_it_can_be_closed_while_there_is_no_room():
    reading, writing = os.pipe()
    heard = StandardInput(reading)

    def write() -> None:
        try:
            while True:
                os.write(writing, b"x" * 65_536)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    heard.close()
    os.close(reading)
    writer.join()
    os.close(writing)


def test_a_file_that_is_redirected_to_us(tmp_path: Path):
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\n")
    with log.open("rb") as file, closing(StandardInput(file.fileno())) as heard:
        lines: list[bytes] = []

        def whole() -> bool:
            lines.extend(line for chunk in heard.poll() for line in chunk.lines)
            return heard.has_ended

        eventually(whole, "the end of the file")
        assert lines == [b"one", b"two"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("syslog://127.0.0.1:5140", Address("127.0.0.1", 5140)),
        ("syslog://[::]:514", Address("::", 514)),
        ("syslog://log.example:514", Address("log.example", 514)),
        ("syslog:/run/log", Address(path=Path("/run/log"))),
    ],
)
def test_addresses(text: str, address: Address):
    assert syslog.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "syslog:",
        "syslog://",
        "syslog://host",
        "syslog://host:x",
        "syslog://host:514/path",
        "syslog://[::1:514",
        "syslog:relative",
        "syslog://:514",
    ],
)
def test_what_is_no_address(text: str):
    with pytest.raises(ValueError, match=r"^syslog://HOST:PORT or syslog:/path$"):
        syslog.parse(text)


class Heard:
    """What was heard so far at an address."""

    def __init__(
        self, address: Address, capacity_bytes: int = syslog.CAPACITY_BYTES
    ) -> None:
        self.source = Syslog(address, stream=-2, capacity_bytes=capacity_bytes)
        self.chunks: list[Chunk] = []

    def poll(self) -> list[bytes]:
        self.chunks.extend(self.source.poll())
        return [line for chunk in self.chunks for line in chunk.lines]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_datagrams_by_udp(host: str):
    heard = Heard(address := Address(host, free_port()))
    with closing(heard.source):
        target = "127.0.0.1" if host == "::" else host
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for line in (b"<30>one\n", b"<30>two\0", b"<30>three\nfour"):
                sender.sendto(line, (target, address.port))
        eventually(lambda: len(heard.poll()) == 3, "three lines")
    # A datagram is one record, even if a name in it holds a newline.
    assert heard.poll() == [b"<30>one", b"<30>two", b"<30>three\nfour"]
    assert {(chunk.file, chunk.source, chunk.ends) for chunk in heard.chunks} == {
        (str(address), target.encode(), True)
    }
    assert heard.source.progress().read_bytes == sum(map(len, heard.poll()))


def test_datagrams_through_a_socket_of_this_machine(tmp_path: Path):
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left_behind:
        left_behind.bind(str(path))
    heard = Heard(Address(path=path))
    with closing(heard.source):
        assert path.stat().st_mode & 0o777 == 0o666
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"<30>one", str(path))
        eventually(lambda: heard.poll() == [b"<30>one"], "the line")
        assert heard.chunks[0].source == b""
        with pytest.raises(OSError, match="in use"):
            open_socket(Address(path=path))
        assert path.exists()
    assert not path.exists()


def test_a_file_in_the_place_of_a_socket_is_left_alone(tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"precious")
    with pytest.raises(OSError, match="in use"):
        open_socket(Address(path=path))
    assert path.read_bytes() == b"precious"


def test_what_there_is_no_room_for_is_counted(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
):
    heard = Heard(Address(path=tmp_path / "log"), capacity_bytes=10_000)
    sent = 200
    with closing(heard.source):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for _ in range(sent):
                sender.sendto(b"x" * 100, str(tmp_path / "log"))
        eventually(
            lambda: heard.source.progress().lost_bytes >= 1, "something that is lost"
        )
        eventually(
            lambda: (
                len(heard.poll()) * 100 + heard.source.progress().lost_bytes
                == sent * 100
            ),
            "each datagram read or lost",
        )
    assert len(heard.poll()) >= 10_000 // 300
    assert "datagrams lost, more came than can be counted" in caplog.text
