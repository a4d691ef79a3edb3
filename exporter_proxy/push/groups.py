"""Pushgateway's groups: the labels in a path, and the name that a group goes by.

Source: github.com/prometheus/pushgateway, README, section "URL".
"""

import base64
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused

PREFIX = "/metrics"

_BASE64 = "@base64"
_ENCODED_NAME = "U__"
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_URL_SAFE = re.compile(rb"[A-Za-z0-9_-]*")
_HALF_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


class Group(NamedTuple):
    """A group of metrics.

    name: its path without ``/metrics``, in one spelling: ``/job/shop/instance/a``.
    labels: those in the path, the job among them.
    series_labels: the same, and an empty ``instance`` where the path has none, for it
        keeps Prometheus from putting its own on what was pushed.
    """

    name: str
    labels: Mapping[str, str]
    series_labels: Mapping[str, str]


@lru_cache(1024)
def group_of(path: str) -> Group:
    """Return the group of a path, which is given as it was sent. Raises Refused."""
    labels: dict[str, str] = {}
    for name, value in _pairs(path):
        if name in labels:
            raise _refused(f"the label {name} is given twice")
        labels[name] = value
    if not labels.get("job"):
        raise _refused("the job's name is missing")
    others = sorted(name for name in labels if name != "job")
    ordered = {name: labels[name] for name in ("job", *others)}
    name = "".join(_part(*pair) for pair in ordered.items())
    return Group(name, ordered, {"instance": "", **ordered})


def check_size(group: Group, rules: Rules) -> None:
    """Raise Refused when a group has more or longer labels than the rules allow."""
    if len(group.labels) > rules.max_labels:
        raise _refused(f"{len(group.labels)} labels are more than {rules.max_labels}")
    longest = max(len(each.encode()) for pair in group.labels.items() for each in pair)
    if longest > rules.max_label_bytes:
        limit = rules.max_label_bytes
        raise _refused(f"a label's name or value is longer than {limit} bytes")


def _pairs(path: str) -> Iterator[tuple[str, str]]:
    """Yield each label's name and value."""
    parts = path.removeprefix(PREFIX).split("/")[1:]
    if len(parts) % 2 and not parts[-1]:
        parts.pop()  # a slash at the end
    if len(parts) % 2:
        raise _refused(f"the label {parts[-1]} has no value")
    for place, (name, value) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
        if not value and place < len(parts) // 2 - 1:
            raise _refused(f"an empty value is written {name}{_BASE64}/=")
        yield _pair(name, value)


def _pair(name: str, value: str) -> tuple[str, str]:
    bare = name.removesuffix(_BASE64)
    _check_name(bare)
    if _HALF_ESCAPE.search(value):
        raise _refused(f"expected two hexadecimal digits after each %: {value}")
    data = unquote_to_bytes(value.encode(errors="surrogateescape"))
    if bare != name:
        data = _from_base64(bare, data)
    try:
        return bare, data.decode()
    except UnicodeDecodeError:
        raise _refused(f"the value of {bare} is not valid UTF-8") from None


def _check_name(name: str) -> None:
    if name.startswith(_ENCODED_NAME):
        what = "stands for a UTF-8 name, and those are not taken"
        raise _refused(f"the label {name} {what}")
    if not _LABEL_NAME.fullmatch(name):
        raise _refused(f"not a label's name: {name!r}")
    if name.startswith("__"):
        raise _refused(f'label names that start with "__" are reserved: {name}')


def _from_base64(name: str, data: bytes) -> bytes:
    """Return what URL-safe base64 stands for, whether it is padded or not."""
    digits = data.rstrip(b"=")
    if not _URL_SAFE.fullmatch(digits) or len(digits) % 4 == 1:
        raise _refused(f"the value of {name} is not URL-safe base64")
    return base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))


def _part(name: str, value: str) -> str:
    return f"/{name}/{quote(value, safe='')}" if value else f"/{name}{_BASE64}/="


def _refused(what: str) -> Refused:
    return Refused(Reason.GROUP, what)
