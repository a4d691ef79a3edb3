"""The times of log lines as seconds since 1970.

rsyncd writes local time without a zone, so one hour of every autumn comes twice.
"""

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo

_FIRST_YEAR = 1970

_STAMP = re.compile(rb"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)")
_SYSLOG_STAMP = re.compile(rb"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_RFC_3339 = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)"
)

_SECONDS = {b":%02d" % second: second for second in range(60)}
_MONTHS = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1
    )
}

# Sessions that write at the same time are a second or two out of order.
_DISORDER_SECONDS = 300

# From one 29 February to the next it can be eight years.
_YEARS_AROUND = range(-8, 9)

# Of the times a year apart, one that is no farther away is the nearest.
_HALF_A_YEAR_SECONDS = 182 * 86_400


class LogTime:
    """Reads the times of one log, in the order in which they stand in it.

    zone: the daemon's; None for that of this process. A time that comes twice is taken
        for the earlier one, unless the log would have gone back by minutes: lines of
        parallel sessions are out of order, but not by that much. What a time that the
        clock skipped amounts to is datetime's answer.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._stamp = b""
        self._time: int | None = None
        self._minute = b""
        self._minute_began = 0
        self._syslog_stamp: bytes | None = None
        self._syslog_time = 0

    def epoch(self, stamp: bytes) -> int | None:
        """Return the time of a stamp such as ``2026/11/21 20:51:58``; None if none."""
        if stamp == self._stamp:
            return self._time
        if stamp[:16] == self._minute and stamp[16:] in _SECONDS:
            time = self._minute_began + _SECONDS[stamp[16:]]
        elif (read := self._read(stamp)) is not None:
            time = read
        else:
            return None
        self._stamp, self._time = stamp, time
        return time

    def syslog_epoch(self, stamp: bytes, now: float) -> int | None:
        """Return the time of a syslog stamp; None if it is none.

        Both ``Nov 21 20:58:51``, which is taken for the time nearest to now, and
        RFC 3339's ``2026-11-21T20:58:51.003+01:00``.
        """
        if match := _RFC_3339.fullmatch(stamp):
            return _timestamp_of(match)
        is_near = abs(now - self._syslog_time) < _HALF_A_YEAR_SECONDS
        if stamp == self._syslog_stamp and is_near:
            return self._syslog_time
        times = self._times_around(stamp, now)
        nearest = min(times, key=lambda time: abs(now - time), default=None)
        if nearest is not None:
            self._syslog_stamp, self._syslog_time = stamp, nearest
        return nearest

    def _read(self, stamp: bytes) -> int | None:
        if not (match := _STAMP.fullmatch(stamp)):
            return None
        times = list(self._times(*map(int, match.groups())))
        if not times:
            return None
        went_back = self._time is not None and times[0] < self._time - _DISORDER_SECONDS
        time = times[-1] if went_back else times[0]
        self._remember_minute(stamp, time)
        return time

    def _remember_minute(self, stamp: bytes, time: int) -> None:
        second = _SECONDS[stamp[16:]]
        # Else the zone's offset is of odd seconds, and may change within a minute.
        if time % 60 == second:
            self._minute, self._minute_began = stamp[:16], time - second

    def _times_around(self, stamp: bytes, now: float) -> Iterator[int]:
        """Yield the times of a stamp without a year in the years around now."""
        match = _SYSLOG_STAMP.fullmatch(stamp)
        if match is None or (month := _MONTHS.get(match[1])) is None:
            return
        this_year = datetime.fromtimestamp(now, self._zone).year
        for year in _YEARS_AROUND:
            yield from self._times(
                this_year + year, month, *map(int, match.groups()[1:])
            )

    def _times(
        self, year: int, month: int, day: int, hour: int, minute: int, second: int
    ) -> Iterator[int]:
        """Yield the time of a local date: two where the clock was put back, if any."""
        if year < _FIRST_YEAR:
            return
        try:
            local = datetime(year, month, day, hour, minute, second, tzinfo=self._zone)
            early = int(local.timestamp())
            late = int(local.replace(fold=1).timestamp())
        except (ValueError, OverflowError, OSError):
            return
        yield early
        if late > early:
            yield late


def _timestamp_of(rfc_3339: re.Match[bytes]) -> int | None:
    try:
        return int(
            datetime.fromisoformat(b"".join(rfc_3339.groups()).decode()).timestamp()
        )
    except ValueError:
        return None
