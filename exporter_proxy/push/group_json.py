"""Groups as Pushgateway's API shows them: families in text format in, plain values out.

Source: github.com/prometheus/pushgateway, README, section "Query API".
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from exporter_proxy.exposition.family import Family
from exporter_proxy.push.groups import PREFIX, group_of
from exporter_proxy.push.times import COLUMNS, Column, series_labels
from exporter_proxy.store.applications import Application

_LABEL = re.compile(rb'([^=,]+)="([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")

# The label that tells the samples of one metric apart, and what they are called.
_PARTS = {b"histogram": ("le", "buckets"), b"summary": ("quantile", "quantiles")}


def group_json(
    application: Application, families: Iterable[Family]
) -> dict[str, object]:
    """Return a group: its labels, whether its last push was taken, and its families."""
    when = _moment(application.updated_at or 0)
    return {
        **{family.name.decode(): _family(family, when) for family in families},
        **{column.name: _time(application, column) for column in COLUMNS},
        "labels": group_of(PREFIX + application.name).labels,
        "last_push_successful": not application.last_error,
    }


def _family(family: Family, when: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "type": family.type.decode().upper(),
        "time_stamp": when,
    }
    if family.help:
        shown["help"] = _unescaped(family.help)
    shown["metrics"] = _metrics(family)
    return shown


def _metrics(family: Family) -> list[dict[str, object]]:
    told_apart, plural = _PARTS.get(family.type, ("", ""))
    metrics: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for line in family.samples.split(b"\n")[:-1]:
        name, labels, value = _read(line)
        part = labels.pop(told_apart, None)
        metric = metrics.setdefault(tuple(labels.items()), {"labels": labels})
        if not plural:
            metric["value"] = value
        elif part is None:
            metric[name.removeprefix(family.name + b"_").decode()] = value
        else:
            metric.setdefault(plural, {})[part] = value
    return list(metrics.values())


def _read(line: bytes) -> tuple[bytes, dict[str, str], str]:
    """Return name, labels and value of a sample as it is served."""
    name, brace, rest = line.partition(b"{")
    if not brace:
        name, _, rest = line.partition(b" ")
    inside, _, value = rest.rpartition(b"} ")
    labels = {name.decode(): _unescaped(text) for name, text in _LABEL.findall(inside)}
    return name, labels, value.partition(b" ")[0].decode()


def _unescaped(text: bytes) -> str:
    return _ESCAPE.sub(
        lambda match: "\n" if match[1] == "n" else match[1], text.decode()
    )


def _time(group: Application, column: Column) -> dict[str, object]:
    seconds = column.value(group)
    metric = {"labels": series_labels(group), "value": repr(seconds)}
    return {
        "type": "GAUGE",
        "time_stamp": _moment(seconds),
        "help": column.help,
        "metrics": [metric],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
