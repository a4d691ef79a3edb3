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
            # In the file itself, rsyncd would not find its port below such a line.
            parser.read_string("[global]\n" + path.read_text(encoding="utf-8"))
            port, exercise = parser["global"]["port"], Path(parser["exercise"]["path"])
            return cls(path, int(port), exercise.parent, tuple(_logs(parser.values())))
        except KeyError as error:
            raise SettingsError([f"RSYNCD_CONFIG: {path}: no {error}"]) from error
        except (OSError, ValueError, ConfigError) as error:
            raise SettingsError([f"RSYNCD_CONFIG: {error}"]) from error


def _logs(sections: Iterable[SectionProxy]) -> Iterator[Path]:
    for section in sections:
        if log := section.get("log file"):
            yield Path(log)
