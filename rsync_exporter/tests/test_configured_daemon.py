"""What a real daemon writes in many formats, and makes of odd configurations."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsync_exporter.rsyncd.conf import read
from rsync_exporter.rsyncd.log_format import LogFormat, Transfer
from rsync_exporter.tests.daemon import Daemon, Settings, run

pytestmark = pytest.mark.integration

# Names that look like what stands around them in a line, and their files' lengths.
FILES = {
    b"plain": 0,
    b"x 12 34": 5,
    b"in folder/x 12 34": 1_005,
    b" blanks at both ends ": 77,
    b"9": 9,
    b"ends in 7": 1_234_567,
    b"quotes \"and\" 'such'": 999,
    b"a\ttab": 1_000,
    b"a\nnew line 8": 1_023,
    b"gr\xfc\xdfe": 1_024,
    "日本".encode(): 100_000,
    b"send H [::1] m () x 3": 31,
    b"recv": 32,
    b"del. x 1": 33,
    b"deleting y": 34,
    b"*deleting   z": 35,
    b"cd+++++++++ d": 36,
    b"\\#012": 37,
    b"(6 bytes). Total 7 bytes.": 38,
    b"1,234": 39,
    b"long " * 50: 40,
}

FORMATS = [
    b"%o %h [%a] %m (%u) %f %l",
    b"%o %h [%a] %m (%u) %f %l %b",
    b"%t: host %h (%a) %o %f (%l bytes). Total %b bytes.",
    b"%i %o %l %b %n%L",
    b"%p %i %n%L",
    b"%o %f %l %n %b",
    b"[%h|%a] [%t] %o %m::%f (%u) %'l",
    b"%-6o|%12l|%-12b|%f",
    b"%o %M %B %U %G %C %c %l %P %n",
    b"%m %o %l %f",
    b"%o %n %l %m (%u)",
    b"100%% %x \xe2\x86\x92 %o %f \xe2\x86\x92 %l",
    b"%o %''l %'''b %f",
    b"%h %a %n %l",
    b"%h %a",
]


NO_OPERATION = [text for text in FORMATS if not re.search(rb"%-?\d*[oi]", text)]

ODD_CONFIGURATION = """
nonsense
= {folder}
Log Format = %o \\
  %f %l
[ Old   releases ] # not a comment
path = {folder}
LOGFILE = {folder}/old releases.log
[hidden]
list = no
path = {folder}
&include {folder}/more
tra nsfer logging = Yes
[b\\
c]
path = {folder}
log file = {folder}/%RSYNC_MODULE_NAME%.log
no such parameter = 7
[Global]
log format = %l %o
[later]
path = {folder}
log file = {folder}/later.log
[OLDreleases]
log format = %f %o %l
[renamed]
name = new name
path = {folder}
log file =
&merge = {folder}/more
""".replace("= {folder}\nLog", "# {folder}\nLog", 1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Run a daemon whose modules log in all the formats, to files of their own."""
    modules: dict[str, Settings] = {
        f"mod {n}": {
            "read only": "no",
            "log file": str(tmp_path / f"format {n}.log"),
            "log format": log_format.decode(),
        }
        for n, log_format in enumerate(FORMATS)
    }
    with Daemon(tmp_path, modules, {"transfer logging": "yes"}) as daemon:
        yield daemon


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the files."""
    for name, length in FILES.items():
        path = tmp_path / "files" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(length))
    return tmp_path / "files"


def transfers(log: Path, log_format: LogFormat) -> list[Transfer]:
    """Return what is read of a log; the summary of a session is known by its shape."""
    messages = [line.split(b"] ", 1)[1] for line in log.read_bytes().splitlines()]
    found = [log_format.read(m) for m in messages if not m.startswith(b"sent ")]
    return [transfer for transfer in found if transfer]


def moved(daemon: Daemon, module: str, files: Path) -> list[Transfer]:
    """Push all files, pull and delete them; return what was logged of it."""
    copy, empty = files.parent / module, files.parent / "empty"
    empty.mkdir(exist_ok=True)
    url = daemon.url(f"{module}/")
    log = files.parent / f"format {module.split()[1]}.log"
    for arguments in ([f"{files}/", url], [url, copy], ["--delete", f"{empty}/", url]):
        result = run(*arguments)
        assert result.returncode == 0, result.stdout
    log_format = LogFormat.compile(FORMATS[int(module.split()[1])], module.encode())
    return transfers(log, log_format)


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_each_format_tells_what_was_done(daemon: Daemon, files: Path, number: int):
    text = FORMATS[number]
    found = moved(daemon, f"mod {number}", files)
    per_operation = Counter(transfer.operation for transfer in found)
    n = len(FILES)
    if text in NO_OPERATION:
        assert per_operation == {"": 2 * n, "delete": n + 1}  # and a folder
        moves = [transfer for transfer in found if not transfer.operation]
        assert_lengths(text, moves, 2)
        return
    assert per_operation == {"recv": n, "send": n, "delete": n + 1}
    for operation in ("recv", "send"):
        assert_lengths(text, [t for t in found if t.operation == operation], 1)
    told = 0 if b"l" in re.findall(rb"%['\d-]*([a-zA-Z])", text) else None
    assert {t.length for t in found if t.operation == "delete"} == {told}


def assert_lengths(text: bytes, found: list[Transfer], times: int) -> None:
    escapes = re.findall(rb"%(['\d-]*)([a-zA-Z])", text)
    told = {letter: modifier.count(b"'") for modifier, letter in reversed(escapes)}
    lengths = sorted(t.length for t in found if t.length is not None)
    expected = sorted([*FILES.values()] * times) if b"l" in told else []
    assert lengths == pytest.approx(expected, rel=0.005 if told.get(b"l", 0) > 1 else 0)
    for transfer in found:
        assert (transfer.transferred is None) == (b"b" not in told)
        if b"b" in told and told[b"b"] < 2:
            assert transfer.transferred is not None
            assert 0 <= transfer.transferred - (transfer.length or 0) < 1_000


def test_a_name_that_fills_the_line(daemon: Daemon, tmp_path: Path):
    folder = tmp_path.joinpath("deep", *["d" * 250] * 7)
    folder.mkdir(parents=True)
    names = ["short 1", "x" * 245 + " 9999999"]
    for name in names:
        (folder / name).write_bytes(b"12345")
    arguments = ["--relative", "--exclude=format*", "./deep", daemon.url("mod 0/")]
    subprocess.run(["rsync", "-r", *arguments], cwd=tmp_path, timeout=30, check=True)
    log_format = LogFormat.compile(FORMATS[0])
    found = transfers(tmp_path / "format 0.log", log_format)
    assert sorted(found, key=str) == [
        Transfer("recv", 5, None),
        Transfer("recv", None, None),
    ]


def test_an_odd_configuration_is_read_as_the_daemon_reads_it(tmp_path: Path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "b.conf").write_text(f"[included]\npath = {tmp_path}\nlog file=")
    (more / "a.conf").write_text("log format = %l")
    (more / "c.inc").write_text(f"path = {tmp_path}\n[merged]\npath = {tmp_path}")
    (tmp_path / "file").write_bytes(b"1234567")
    with Daemon(tmp_path, {}) as daemon:
        with daemon.configuration.open("a") as configuration:
            configuration.write(ODD_CONFIGURATION.format(folder=tmp_path))
        conf = read(daemon.configuration)
        listed = subprocess.run(
            ["rsync", daemon.url("")], capture_output=True, timeout=30, check=True
        )
        names = [line.split(b"\t")[0].rstrip() for line in listed.stdout.splitlines()]
        assert [name.decode() for name in names] == [
            name for name in conf.modules if name != "hidden"
        ]
        assert conf.log_file == daemon.log
        for module in conf.modules.values():
            run(daemon.url(f"{module.name}/file"), tmp_path / f"copies {module.name}/")
            told = (
                transfers(
                    module.log_file or tmp_path / "file",
                    LogFormat.compile(module.log_format),
                )
                if module.log_file
                else []
            )
            assert (Transfer("send", 7, None) in told) == (
                module.transfer_logging and module.log_file is not None
            ), module
