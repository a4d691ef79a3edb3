"""What ``--check`` finds: everything that would keep the exporter from its work.

Also a log format that lets others have it count what never was.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from rsync_exporter import kind, sources
from rsync_exporter.checkpoint import CheckpointFile, unpack
from rsync_exporter.listen import syslog
from rsync_exporter.listen.syslog import Address
from rsync_exporter.log_names import LogNames
from rsync_exporter.options import forgeable_formats, options
from rsync_exporter.rsyncd.line_format import Lines
from rsync_exporter.settings import Settings
from rsync_exporter.tail.log_file import LogFile

_SAMPLE_BYTES = 65_536

# A glob may well match a log's packed predecessors.
_PACKED = b"\x1f\x8b"


def problems(settings: Settings) -> Iterator[str]:
    """Yield a line for each thing that is wrong.

    Raises SettingsError when no log is named.
    """
    named, shape = sources.names(settings), options(settings).lines
    is_named = settings.rsync_exporter_log is not None
    origin = "RSYNC_EXPORTER_LOG" if is_named else "RSYNC_EXPORTER_RSYNCD_CONF"
    for pattern in _expected(named):
        yield from (f"{origin}: {problem}" for problem in _files(pattern, shape))
    for address in named.addresses:
        yield from (f"{origin}: {problem}" for problem in _address(address))
    yield from forgeable_formats(settings)
    if path := settings.rsync_exporter_checkpoint:
        yield from (
            f"RSYNC_EXPORTER_CHECKPOINT: {problem}" for problem in _checkpoint(path)
        )


def _expected(named: LogNames) -> Sequence[str]:
    """Return the patterns that should have files; all, when none has any."""
    missing = named.optional & {*filter(_is_missing, named.patterns)}
    return [each for each in named.patterns if each not in missing] or named.patterns


def _is_missing(pattern: str) -> bool:
    try:
        for path in _paths(pattern):
            path.stat()
    except FileNotFoundError:
        return True
    except OSError:  # it may well be there
        return False
    return False


def _paths(pattern: str) -> Iterator[Path]:
    found = sorted(glob.glob(pattern)) or [pattern]  # noqa: PTH207 - any path
    return map(Path, found)


def _files(pattern: str, shape: Lines) -> Iterator[str]:
    for path in _paths(pattern):
        try:
            LogFile.open(path).close()
            lines = _sample(path)
        except OSError as error:
            yield str(error)
            continue
        if problem := kind.problem(lines, shape):
            yield f"{path}: {problem}"


def _sample(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    *lines, _unended = sample.split(b"\n")
    return [] if sample.startswith(_PACKED) else lines


def _address(address: Address) -> Iterator[str]:
    try:
        syslog.open_socket(address).close()
    except OSError as error:
        yield f"{address}: {error}"
    else:
        if address.path:
            address.path.unlink()


def _checkpoint(path: Path) -> Iterator[str]:
    """Try the file and its folder, and leave both as they are."""
    with closing(CheckpointFile(path)) as file:
        try:
            content = file.read()
            if content is not None:
                unpack(content)
        except (OSError, ValueError) as error:
            yield f"{path}: {error}"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        yield f"{path.parent}: not a folder that files can be written to"
