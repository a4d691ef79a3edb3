"""What the demo has to know of the daemon's own configuration."""

from collections.abc import Iterable, Iterator
from configparser import ConfigParser, SectionProxy
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path

from servicekit import SettingsError


@dataclass(frozen=True)
class Conf:
    """Port, folder of files and log files of an rsyncd.conf such as the demo's."""

    path: Path
    port: int
    files: Path
    logs: tuple[Path, ...]

    @classmethod
    def read(cls, path: Path) -> "Conf":
        """Read a file. Raises SettingsError."""
        parser = ConfigParser(interpolation=None)
        try:
            # rsyncd itself would start with its defaults if the file said [global].
            parser.read_string("[global]\n" + path.read_text(encoding="utf-8"))
            port, files = (
                parser["global"]["port"],
                Path(parser["exercise"]["path"]).parent,
            )
            return cls(path, int(port), files, tuple(_logs(parser.values())))
        except (OSError, ValueError, KeyError, ConfigError) as error:
            raise SettingsError([f"RSYNCD_CONFIG: {path}: {error}"]) from error


def _logs(sections: Iterable[SectionProxy]) -> Iterator[Path]:
    for section in sections:
        if log := section.get("log file"):
            yield Path(log)
