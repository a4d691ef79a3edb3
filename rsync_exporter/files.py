"""Files that the settings name: read at the start, and again when asked to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rsync_exporter.rsyncd import conf
from rsync_exporter.rsyncd.conf import RsyncdConf
from rsync_exporter.rsyncd.line_format import LineFormat
from rsync_exporter.rsyncd.log_format import LogFormat
from servicekit import SettingsError

_MAX_BYTES = 65_536
_GROUP = b"(?P<description>"
_ESCAPE = re.compile(rb"%[-'\d]*[a-zA-Z]")


@dataclass(frozen=True)
class FormatFile:
    """A file whose first line says how the log reads: one of the two is there.

    lines: a regular expression for every line.
    log_format: rsyncd's own ``log format``, of the lines that tell of files.
    """

    path: Path
    lines: LineFormat | None = None
    log_format: LogFormat | None = None

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a format file. Raises ValueError saying what was expected of it."""
        try:
            with Path(name).open("rb") as file:
                text = file.readline(_MAX_BYTES).rstrip(b"\r\n")
        except OSError as error:
            raise ValueError(f"a readable file ({error.strerror})") from error
        if _GROUP not in text and _ESCAPE.search(text):
            return cls(Path(name), log_format=LogFormat.compile(text))
        return cls(Path(name), lines=LineFormat.compile(text))


@dataclass(frozen=True)
class ConfFile:
    """The daemon's configuration."""

    path: Path
    conf: RsyncdConf

    @classmethod
    def read(cls, name: str) -> Self:
        """Read an rsyncd.conf. Raises SettingsError, a line for each problem in it."""
        found = cls(Path(name), conf.read(Path(name)))
        if problems := list(found._format_problems()):
            raise SettingsError(problems)
        return found

    def log_files(self) -> tuple[Path, ...]:
        """Return the daemon's log file and those of its modules."""
        modules = self.conf.modules.values()
        named = (self.conf.log_file, *(module.log_file for module in modules))
        return tuple(dict.fromkeys(path for path in named if path))

    def _format_problems(self) -> Iterator[str]:
        for name, module in self.conf.modules.items():
            if not module.transfer_logging:
                continue
            try:
                LogFormat.compile(module.log_format)
            except ValueError as error:
                yield f"{self.path}: module {name}: log format: expected {error}"
