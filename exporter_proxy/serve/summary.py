"""What ``/apps`` says of an application, whichever form it is shown in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter_proxy.store.applications import Application, State
from exporter_proxy.store.catalogue import Catalogue

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Summary:
    """One application at one moment.

    now: that moment, in seconds since the epoch.
    left_out_families, left_out_series: what of it is not served, since another
        application sends the same.
    """

    application: Application
    now: float
    left_out_families: tuple[str, ...]
    left_out_series: int

    @property
    def age(self) -> float | None:
        """How old its data is, in seconds; None when there never was any."""
        updated = self.application.updated_at
        return None if updated is None else max(0.0, self.now - updated)

    @property
    def seconds_left(self) -> float | None:
        """How long its data stays; None when that is not known, or it went already."""
        expires_at = self.application.expires_at
        if expires_at is None or self._is_over:
            return None
        return expires_at - self.now

    @property
    def _is_over(self) -> bool:
        application = self.application
        expires_at = application.expires_at
        return application.state is State.STALE or (
            expires_at is not None and expires_at <= self.now
        )

    def remarks(self) -> Iterator[str]:
        """Yield what is not as it should be, each in one sentence."""
        application = self.application
        if application.last_error:
            yield application.last_error
        if self._is_over:
            yield "too old: no longer served"
        if application.dropped_lines:
            yield f"{application.dropped_lines} bad lines dropped"
        if self.left_out_families:
            names = ", ".join(self.left_out_families)
            yield f"left out, clashing with another application: {names}"
        if self.left_out_series:
            count = self.left_out_series
            yield f"{count} series left out, another application sends them as well"

    def as_json(self) -> Mapping[str, object]:
        """Return it as the JSON form shows it: moments as in RFC 3339, else seconds."""
        application = self.application
        return {
            "name": application.name,
            "channel": application.channel,
            "source": application.source,
            "state": application.state,
            "updated_at": rfc3339(application.updated_at),
            "age_seconds": _rounded(self.age),
            "expires_at": rfc3339(application.expires_at),
            "interval_seconds": _rounded(application.interval),
            "series": application.series,
            "dropped_lines": application.dropped_lines,
            "left_out_families": self.left_out_families,
            "left_out_series": self.left_out_series,
            "last_error": application.last_error,
            "failed_at": rfc3339(application.failed_at),
            "labels": dict(application.labels),
            "remarks": tuple(self.remarks()),
        }


def summaries(
    applications: Iterable[Application], catalogue: Catalogue, now: float
) -> list[Summary]:
    """Return what there is to say of applications, in their order."""
    return [
        Summary(
            application,
            now,
            catalogue.left_out_families(application.name),
            catalogue.left_out_series(application.name),
        )
        for application in applications
    ]


def rfc3339(moment: float | None) -> str | None:
    """Return a moment in UTC such as ``2026-11-21T12:00:00.123Z``."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def utc(moment: float) -> str:
    """Return a moment in UTC as people read it, such as ``2026-11-21 12:00:00``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """Return a duration in its largest unit, such as ``45 s``, ``3 min`` or ``2 d``."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // 1:.0f} s"


def one_line(text: str) -> str:
    """Return a text with what is not printable made visible: it stays on its line."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
