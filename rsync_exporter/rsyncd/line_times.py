"""The times of a file's lines, and whether to believe them."""

from collections.abc import Callable

from rsync_exporter.rsyncd.log_time import LogTime

# A record this far from all others was not written when it says.
_FAR_SECONDS = 86_400

# One message holds fewer records than this; so many in a row are a clock that was set.
_BELIEVED_FROM = 100


class LineTimes:
    """Reads each line's time.

    stamp, time: of the last line, as written and in seconds since 1970; None where it
        does not say.
    is_suspect: whether nobody can have written it then.
    latest: the last time that was believed.
    suspects: how many in a row were not.
    """

    def __init__(self, log_time: LogTime, clock: Callable[[], float]) -> None:
        self.stamp: bytes | None = b""
        self.time: int | None = None
        self.is_suspect = False
        self.latest: int | None = None
        self.suspects = 0
        self._log_time = log_time
        self._clock = clock

    def read(self, stamp: bytes | None) -> bool:
        """Read the next line's time; return whether it is suspect.

        A line with the stamp of the last one may be left out, if that was believed.
        """
        if stamp == self.stamp and not self.is_suspect:
            return False
        if stamp != self.stamp:
            self.stamp = stamp
            self.time = self._epoch(stamp) if stamp else None
        self._judge()
        return self.is_suspect

    def _epoch(self, stamp: bytes) -> int | None:
        if stamp[4:5] == b"/":
            return self._log_time.epoch(stamp)
        return self._log_time.syslog_epoch(stamp, self._clock())

    def _judge(self) -> None:
        when = self.time
        if when is None:
            self.is_suspect = False
            return
        latest = when if self.latest is None else self.latest
        far = when < latest - _FAR_SECONDS or when > self._clock() + _FAR_SECONDS
        self.suspects = self.suspects + 1 if far else 0
        self.is_suspect = far and self.suspects < _BELIEVED_FROM
        if not self.is_suspect:
            self.latest = when if far else max(latest, when)
