"""When each group was last pushed to, with success and without, as metrics."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from exporter_proxy.push.groups import PREFIX, group_of
from exporter_proxy.store.applications import Application
from exporter_proxy.store.policies import escaped


class Column(NamedTuple):
    """A gauge that every group has; 0 says never."""

    name: str
    help: str
    value: Callable[[Application], float]


COLUMNS = (
    Column(
        "push_failure_time_seconds",
        "When a push to this group was last refused",
        lambda group: group.failed_at or 0,
    ),
    Column(
        "push_time_seconds",
        "When a push to this group was last taken",
        lambda group: group.updated_at or 0,
    ),
)


def is_group(application: Application) -> bool:
    """Return whether an application is a group, pushed to by its path."""
    return application.channel == "http"


def series_labels(group: Application) -> Mapping[str, str]:
    """Return the labels of a group's series, also of one that was only refused."""
    return group.labels or group_of(PREFIX + group.name).series_labels


def push_times(applications: Iterable[Application]) -> bytes:
    """Return both families in text format, with every group's labels; or nothing.

    Of groups that differ only in labels without a value one is there: to Prometheus
    they are the same series.
    """
    groups: dict[frozenset[tuple[str, str]], tuple[bytes, Application]] = {}
    for application in filter(is_group, applications):
        labels = series_labels(application)
        known_by = frozenset(pair for pair in labels.items() if pair[1])
        groups.setdefault(known_by, (_series(labels), application))
    return b"".join(_families(groups.values())) if groups else b""


def _families(groups: Collection[tuple[bytes, Application]]) -> Iterator[bytes]:
    for name, meaning, value in COLUMNS:
        yield f"# HELP {name} {meaning}\n# TYPE {name} gauge\n".encode()
        for labels, group in groups:
            yield b"%b%b %r\n" % (name.encode(), labels, value(group))


def _series(labels: Mapping[str, str]) -> bytes:
    pairs = (
        b'%b="%b"' % (name.encode(), escaped(value))
        for name, value in sorted(labels.items())
    )
    return b"{%b}" % b",".join(pairs)
