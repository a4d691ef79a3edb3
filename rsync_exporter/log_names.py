"""Where a daemon's lines come from, as people name it in one text."""

from dataclasses import dataclass

from rsync_exporter.listen import standard_input, syslog
from rsync_exporter.listen.syslog import Address

_SYSLOG = "syslog:"


@dataclass(frozen=True)
class LogNames:
    """What to read: files by their paths or globs, standard input, and syslog.

    optional: those of the patterns that may have no file yet.
    """

    patterns: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    standard_input: bool = False
    addresses: tuple[Address, ...] = ()


def parse(text: str) -> LogNames:
    """Return what a list of names separated by commas means.

    Raises ValueError saying what was expected.
    """
    names = list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    if not names:
        raise ValueError("paths, globs, - or syslog addresses, separated by commas")
    return LogNames(
        patterns=tuple(filter(_is_pattern, names)),
        standard_input=standard_input.NAME in names,
        addresses=tuple(
            syslog.parse(name) for name in names if name.startswith(_SYSLOG)
        ),
    )


def _is_pattern(name: str) -> bool:
    return name != standard_input.NAME and not name.startswith(_SYSLOG)
