"""Everything that an exporter hears: files, standard input and syslog, in one place."""

import glob
from collections.abc import Iterator
from typing import Any, Protocol

from rsync_exporter.listen.standard_input import StandardInput
from rsync_exporter.listen.syslog import Syslog
from rsync_exporter.log_names import LogNames
from rsync_exporter.settings import Settings
from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.closing import InUse
from rsync_exporter.tail.followers import Followers, FollowOptions
from rsync_exporter.tail.merge import IsHolding
from servicekit import ServiceFailed, SettingsError

# Standard input is -1, and files are numbered upwards from zero.
_FIRST_SYSLOG_STREAM = -2


class Listener(Protocol):
    """A source that is not a file, and so has no place to go on from."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will ever follow."""

    def poll(self) -> Iterator[Chunk]:
        """Yield what came since the last call."""

    def progress(self) -> Progress:
        """Return how much came."""

    def close(self) -> None:
        """Hear no more."""


def names(settings: Settings) -> LogNames:
    """Return what to read: what is named, else the log files of rsyncd.conf.

    Of these, the daemon's own comes into being when it starts, and is required. That of
    a module does when somebody uses the module, and is optional.
    Raises SettingsError when there is neither.
    """
    named, conf = settings.rsync_exporter_log, settings.rsync_exporter_rsyncd_conf
    if named:
        return named
    if not conf or not (paths := conf.log_files()):
        raise SettingsError(
            [
                "RSYNC_EXPORTER_LOG (-p): required, for RSYNC_EXPORTER_RSYNCD_CONF"
                " names no log file"
            ]
        )
    patterns = {path: glob.escape(str(path)) for path in paths}
    modules = (path for path in paths if path != conf.conf.log_file)
    return LogNames(
        patterns=tuple(patterns.values()),
        optional=frozenset(patterns[path] for path in modules),
    )


class Sources:
    """What ``names`` says, read one after the other."""

    def __init__(
        self, named: LogNames, options: FollowOptions, state: dict[str, Any] | None
    ) -> None:
        """Open everything, and go on in the files where ``state`` says.

        Raises ServiceFailed when an address cannot be heard.
        """
        self._patterns = named.patterns
        self._listeners: list[Listener] = []
        self._followers = Followers(
            named.patterns, options, state, optional=named.optional
        )
        try:
            self._listeners.extend(_listeners(named))
        except OSError as error:
            self.close()
            raise ServiceFailed(f"cannot hear syslog: {error}") from error

    @property
    def has_ended(self) -> bool:
        """Whether nothing will ever follow."""
        ended = all(listener.has_ended for listener in self._listeners)
        return ended and not self._patterns

    def poll(self, in_use: InUse, is_holding: IsHolding) -> Iterator[Chunk]:
        """Yield what is new everywhere.

        in_use: says of which streams more lines are expected.
        is_holding: whether a stream's next line may be the rest of the one before.
        Raises OSError at the end when a log cannot be read.
        """
        for listener in self._listeners:
            yield from listener.poll()
        yield from self._followers.poll(in_use, is_holding)

    def progress(self) -> list[Progress]:
        """Return how far each source was read."""
        heard = (listener.progress() for listener in self._listeners)
        return [*self._followers.progress(), *heard]

    def state(self) -> dict[str, Any]:
        """Return where to go on, between two chunks."""
        return self._followers.state()

    def close(self) -> None:
        """Close every file and hear no more."""
        for listener in self._listeners:
            listener.close()
        self._followers.close()


def _listeners(named: LogNames) -> Iterator[Listener]:
    for number, address in enumerate(named.addresses):
        yield Syslog(address, _FIRST_SYSLOG_STREAM - number)
    if named.standard_input:
        yield StandardInput()
