"""rsyncd.conf: which modules there are, how many may use them, and what they log.

Read as rsync's loadparm.c reads it (checked against 3.5.0): what the daemon takes is
taken, what it ignores is ignored, and what stops it is a problem here, too.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rsync_exporter.rsyncd.conf_lines import (
    ConfError,
    Directive,
    Entry,
    Parameter,
    Section,
    entries,
    squeezed,
)
from rsync_exporter.rsyncd.log_format import DEFAULT
from servicekit import SettingsError

_LARGEST_FILE_BYTES = 16 << 20

_BOOLEANS = {
    **dict.fromkeys([b"yes", b"true", b"1"], True),
    **dict.fromkeys([b"no", b"false", b"0"], False),
}

# What C's atoi() makes of a text; an int has no more than ten digits.
_NUMBER = re.compile(rb"\s*([+-]?\d{1,10})")

_INCLUDED = {b"&include": ".conf", b"&merge": ".inc"}


@dataclass(frozen=True)
class Module:
    """What rsyncd.conf says of a module.

    name: bytes that are no UTF-8 are surrogates.
    max_connections: 0 for no limit, less when nobody is let in.
    log_format: see rsyncd.log_format; of no matter without transfer_logging.
    log_file: None for syslog.
    """

    name: str
    max_connections: int
    transfer_logging: bool
    log_format: bytes
    log_file: Path | None


@dataclass(frozen=True)
class RsyncdConf:
    """What rsyncd.conf says.

    modules: by name, in the order of the file.
    log_file: where the daemon logs who connects; None for syslog.
    """

    modules: Mapping[str, Module]
    log_file: Path | None


def read(path: Path) -> RsyncdConf:
    """Return what a file says, and those that it includes.

    An empty one says that no module is known, and so does the null device.
    Raises SettingsError naming file, line and what was expected there.
    """
    reader = _Reader()
    reader.read(path)
    if not reader.sections and not reader.is_empty:
        raise SettingsError([f"{path}: expected a [module] in it, got none"])
    return reader.conf()


@dataclass(frozen=True)
class _Values:
    """The parameters of a section; a log file of None is that of the globals."""

    name: bytes = b""
    max_connections: int = 0
    transfer_logging: bool = False
    log_format: bytes = DEFAULT
    log_file: bytes | None = None

    def with_parameter(self, name: bytes, value: bytes) -> "_Values":
        """Return these values and one more; the same when it is none that matters."""
        match name:
            case b"name":
                return replace(self, name=value)
            case b"maxconnections":
                number = _NUMBER.match(value)
                return replace(self, max_connections=int(number[1]) if number else 0)
            case b"transferlogging" if squeezed(value) in _BOOLEANS:
                return replace(self, transfer_logging=_BOOLEANS[squeezed(value)])
            case b"logformat":
                return replace(self, log_format=value)
            case b"logfile":
                return replace(self, log_file=value)
        return self


class _Reader:
    """Collects sections from all files; in none of them, it is the globals' turn."""

    def __init__(self) -> None:
        self.sections: list[_Values] = []
        self.is_empty = True
        self._globals = _Values()
        self._section: int | None = None
        self._first_log_file: bytes | None = None
        self._open: list[Path] = []

    def conf(self) -> RsyncdConf:
        """Return all that was read.

        A daemon opens its log before it reads on behind the first section; one that
        inetd starts knows the whole file.
        """
        log_file = self._first_log_file or self._globals.log_file
        modules = [self._module(section) for section in self.sections]
        return RsyncdConf(
            {module.name: module for module in modules}, _path(log_file, b"")
        )

    def read(self, path: Path) -> None:
        """Take what a file says. Raises SettingsError."""
        text = _text(path)
        self.is_empty = self.is_empty and not text.strip()
        self._open.append(path.resolve())
        try:
            for entry in entries(text):
                self._take(entry)
        except ConfError as error:
            place = f"{path}:{error.line}"
            raise SettingsError([f"{place}: expected {error.expected}"]) from error
        self._open.pop()

    def _take(self, entry: Entry) -> None:
        match entry:
            case Section():
                self._begin(entry)
            case Directive():
                self._include(entry)
            case Parameter(_, name, value) if self._section is None:
                if name != b"name":
                    self._globals = self._globals.with_parameter(name, value)
            case Parameter(_, name, value):
                values = self.sections[self._section]
                self.sections[self._section] = values.with_parameter(name, value)

    def _begin(self, section: Section) -> None:
        """Begin a section; one that was there already goes on."""
        if not self.sections and self._first_log_file is None:
            self._first_log_file = self._globals.log_file
        if squeezed(section.name) == b"global":
            self._section = None
            return
        if b"/" in section.name:
            raise ConfError(section.line, "a module's name without a slash")
        names = [squeezed(values.name) for values in self.sections]
        if squeezed(section.name) in names:
            self._section = names.index(squeezed(section.name))
            return
        self.sections.append(replace(self._globals, name=section.name))
        self._section = len(self.sections) - 1

    def _include(self, directive: Directive) -> None:
        """Read other files; &include keeps the globals of each to itself."""
        if directive.name not in _INCLUDED:
            raise ConfError(directive.line, "&include or &merge after the &")
        path = Path(os.fsdecode(directive.value))
        for file in _included(path, _INCLUDED[directive.name]):
            if file.resolve() in self._open:
                raise ConfError(directive.line, f"no loop of includes, got {file}")
            before = self._globals
            if directive.name == b"&include":
                self._section = None
            self.read(file)
            if directive.name == b"&include":
                self._section, self._globals = None, before

    def _module(self, values: _Values) -> Module:
        log_file = (
            self._globals.log_file if values.log_file is None else values.log_file
        )
        return Module(
            os.fsdecode(values.name),
            values.max_connections,
            values.transfer_logging,
            values.log_format,
            _path(log_file, values.name),
        )


def _included(path: Path, suffix: str) -> list[Path]:
    """Return the files that an include means: itself, or those of the folder."""
    if not path.is_dir():
        return [path]
    try:
        files = [file for file in path.iterdir() if file.name.endswith(suffix)]
    except OSError as error:
        raise _unreadable(path, error) from error
    return sorted((file for file in files if not file.is_dir()), key=os.fsencode)


def _text(path: Path) -> bytes:
    try:
        if not _has_an_end(path.stat()):
            raise SettingsError([f"{path}: expected a file"])
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(text) > _LARGEST_FILE_BYTES:
        raise SettingsError([f"{path}: expected at most {_LARGEST_FILE_BYTES} bytes"])
    return text


def _has_an_end(status: os.stat_result) -> bool:
    """Tell a file, or the null device, from a pipe and from what else may go on."""
    is_null = status.st_rdev == Path(os.devnull).stat().st_rdev
    is_device = stat.S_ISCHR(status.st_mode)
    return stat.S_ISREG(status.st_mode) or (is_device and is_null)


def _unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError([f"{path}: expected a readable file ({error.strerror})"])


def _path(log_file: bytes | None, module: bytes) -> Path | None:
    """Return a log file's path; of the variables that may be in it we know one."""
    if not log_file:
        return None
    return Path(os.fsdecode(log_file.replace(b"%RSYNC_MODULE_NAME%", module)))
