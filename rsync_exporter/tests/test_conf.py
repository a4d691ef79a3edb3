import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.rsyncd.conf import Module, RsyncdConf, read
from rsync_exporter.rsyncd.conf_lines import ConfError, Parameter, Section, entries
from rsync_exporter.rsyncd.log_format import DEFAULT
from servicekit import SettingsError


def conf(folder: Path, text: str | bytes) -> RsyncdConf:
    path = folder / "rsyncd.conf"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def modules(folder: Path, text: str | bytes) -> Mapping[str, Module]:
    return conf(folder, text).modules


def problem(folder: Path, text: str | bytes) -> str:
    with pytest.raises(SettingsError) as error:
        conf(folder, text)
    (line,) = error.value.problems
    return line.replace(str(folder), "")


def test_a_usual_file(tmp_path: Path):
    text = """
# A mirror.
uid = nobody
log file = /var/log/rsyncd.log
max connections = 100
transfer logging = yes

[debian]
    path = /srv/debian
    comment = Debian [all = of # it]

[ Old  releases ]
    path = /srv/old
    max connections = 5
    transfer logging = no
    log file = /var/log/old.log
    log format = %t %o %f %l

; closed for now
[closed]
    path = /srv/closed
    max connections = -1
    log file =
"""
    log = Path("/var/log/rsyncd.log")
    assert conf(tmp_path, text) == RsyncdConf(
        {
            "debian": Module("debian", 100, True, DEFAULT, log),
            "Old releases": Module(
                "Old releases", 5, False, b"%t %o %f %l", Path("/var/log/old.log")
            ),
            "closed": Module("closed", -1, True, DEFAULT, None),
        },
        log,
    )


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (b"log file = /a b ", b"logfile", b"/a b"),
        (b"LOG\tFile=/a=b", b"logfile", b"/a=b"),
        (b"lo gfi le\t=\t/a", b"logfile", b"/a"),
        (b"  log file = # no comment", b"logfile", b"# no comment"),
        (b"log file = /a\r\n", b"logfile", b"/a"),
        (b"log file = /a\\\n/b", b"logfile", b"/a/b"),
        (b"log file = /a \\  \n   /b", b"logfile", b"/a    /b"),
        (b"log file = /a \\\n", b"logfile", b"/a "),
        (b"log \\\n file = /a", b"logfile", b"/a"),
        (b"log file =", b"logfile", b""),
        (b"log file = \\", b"logfile", b"\\"),
        (b"\\ \\ log file = /a", b"logfile", b"/a"),
        (b"nonsense\nlog file = /a\nmore nonsense", b"logfile", b"/a"),
        (b"log file = /\xfc\xff", b"logfile", b"/\xfc\xff"),
    ],
)
def test_how_a_parameter_is_written(text: bytes, name: bytes, value: bytes):
    (parameter,) = entries(text)
    assert parameter[1:] == (name, value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"[a]", b"a"),
        (b" [ a \t b ] path = /ignored", b"a b"),
        (b"[a\\\nb]", b"ab"),
        (b"[a = b]", b"a = b"),
        (b"[a # b]", b"a # b"),
    ],
)
def test_how_a_section_is_written(text: bytes, name: bytes):
    assert list(entries(text)) == [Section(1, name)]


def test_what_is_no_entry():
    assert list(entries(b"\n# a = b\n\t; [c]\n \t\n\\\n# d \\\ne\n")) == []


def test_lines_are_counted(tmp_path: Path):
    assert [entry.line for entry in entries(b"a=1\n\n#\nb=2\\\n3\n\n[c]\nd=4")] == [
        *(1, 4, 7, 8)
    ]
    assert problem(tmp_path, "a = 1\\\n2\n\n = 3") == (
        "/rsyncd.conf:4: expected a parameter's name before the equals sign"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a", ":1: expected a ] behind the module's name"),
        ("\n[a\nb]", ":2: expected a ] behind the module's name"),
        ("[ ]", ":1: expected a module's name between [ and ]"),
        ("[a/b]", ":1: expected a module's name without a slash"),
        ("= x", ":1: expected a parameter's name before the equals sign"),
        ("a\nb\0c", ":2: expected text, got a NUL byte"),
        ("&incluse /x", ":1: expected &include or &merge after the &"),
        ("uid = 1", ": expected a [module] in it, got none"),
        ("x" * (16 << 20) + "x", ": expected at most 16777216 bytes"),
    ],
)
def test_what_stops_the_daemon(tmp_path: Path, text: str, expected: str):
    assert problem(tmp_path, text) == f"/rsyncd.conf{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&include /no/where", "/no/where: expected a readable file (No such file or"),
        ("&include /dev/zero", "/dev/zero: expected a file"),
    ],
)
def test_what_cannot_be_included(tmp_path: Path, text: str, expected: str):
    assert problem(tmp_path, text).startswith(expected)


def test_what_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=r"x: expected a readable .*No such file"):
        read(tmp_path / "x")
    with pytest.raises(SettingsError, match=r"pipe: expected a file"):
        read(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=r": expected a .*"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_one_knows_no_module(tmp_path: Path, text: str):
    assert conf(tmp_path, text) == RsyncdConf({}, None)


def test_the_null_device_is_an_empty_one():
    assert read(Path("/dev/null")) == RsyncdConf({}, None)


def test_files_that_include_each_other(tmp_path: Path):
    other = tmp_path / "other"
    other.write_text(f"# back\n&include {tmp_path}/./rsyncd.conf")
    assert problem(tmp_path, f"&merge {other}\n[a]") == (
        "/other:2: expected no loop of includes, got /rsyncd.conf"
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.conf").symlink_to(tmp_path / "rsyncd.conf")
    assert "expected no loop" in problem(tmp_path, f"&include {tmp_path}/folder")


@pytest.mark.parametrize(
    ("text", "limit"),
    [("7", 7), ("-1", -1), ("+3x", 3), ("many", 0), ("", 0), ("9" * 30, 9999999999)],
)
def test_limits(tmp_path: Path, text: str, limit: int):
    found = modules(tmp_path, f"[a]\nmax connections = {text}")
    assert found["a"].max_connections == limit


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        *[(yes, True) for yes in ("yes", "TRUE", "1", "y e s")],
        *[(no, False) for no in ("no", "False", "0")],
        *[("on", True), ("", True)],  # not understood, so as before
    ],
)
def test_booleans(tmp_path: Path, text: str, logs: bool):
    found = modules(tmp_path, f"transfer logging = yes\n[a]\ntransfer logging = {text}")
    assert found["a"].transfer_logging is logs


def test_the_section_of_globals_comes_again(tmp_path: Path):
    text = """
[a]
[Global]
    log file = /later
    max connections = 3
[b]
[A]
    transfer logging = yes
[b]
    name = c
"""
    found = conf(tmp_path, text)
    later = Path("/later")
    assert found == RsyncdConf(
        {
            "a": Module("a", 0, True, DEFAULT, later),
            "c": Module("c", 3, False, DEFAULT, later),
        },
        later,
    )


def test_the_log_of_the_daemon_is_open_before_the_first_module(tmp_path: Path):
    text = "log file = /first\n[a]\n[global]\nlog file = /later\n[b]"
    found = conf(tmp_path, text)
    assert found.log_file == Path("/first")
    assert found.modules["a"].log_file == Path("/first")
    assert found.modules["b"].log_file == Path("/later")


def test_a_log_file_named_after_its_module(tmp_path: Path):
    text = "log file = /log/%RSYNC_MODULE_NAME%.log\n[a b]\n"
    assert modules(tmp_path, text)["a b"].log_file == Path("/log/a b.log")


def test_included_globals_stay_where_they_are(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.conf").write_text("[b]")
    (folder / "a.conf").write_text("max connections = 2\n[a]")
    (folder / "c.inc").write_text("[not]")
    (folder / "d.conf").mkdir()
    (tmp_path / "merged").write_text("max connections = 9\n[m]")
    text = f"""
max connections = 1
[first]
&include {folder}
transfer logging = yes
[last]
&merge = {tmp_path}/merged
"""
    limits = {
        name: module.max_connections for name, module in modules(tmp_path, text).items()
    }
    assert limits == {"first": 1, "a": 2, "b": 1, "last": 9, "m": 1}
    assert modules(tmp_path, text)["last"].transfer_logging


def test_a_name_that_is_no_utf8(tmp_path: Path):
    (name,) = modules(tmp_path, b"[b\xfccher]\npath = /x")
    assert name.encode("utf-8", "surrogateescape") == b"b\xfccher"


PIECES = st.sampled_from(
    [
        *(b"[", b"]", b"=", b"\\", b"&", b"#", b"\n", b" ", b"\t", b"\r", b"a"),
        *(b"log file", b"&merge ", b"[a]\n", b"\xff"),
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=300))
def test_any_bytes_are_entries_or_one_problem(text: bytes):
    lines = []
    with suppress(ConfError):
        lines = [entry.line for entry in entries(text)]
    assert lines == sorted(lines)


@given(
    st.dictionaries(
        st.from_regex(rb"[a-z]+( [a-z]+)?", fullmatch=True),
        st.from_regex(rb"[!-Z^-~][ -Z^-~]*[!-Z^-~]", fullmatch=True),
    )
)
def test_what_is_written_is_read(parameters: dict[bytes, bytes]):
    text = b"".join(b"%b=%b\n" % parameter for parameter in parameters.items())
    found = {
        entry[1]: entry[2] for entry in entries(text) if isinstance(entry, Parameter)
    }
    assert found == {name.replace(b" ", b""): v for name, v in parameters.items()}
