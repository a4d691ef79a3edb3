"""Prometheus' protobuf format: delimited messages in, text format out.

What the text format cannot say is left out: exemplars, created timestamps, and the
buckets of native histograms.
Source: github.com/prometheus/client_model, io/prometheus/client/metrics.proto.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from exporter_proxy.push.wire import (
    BYTES,
    FIXED64,
    VARINT,
    Broken,
    Fields,
    fields_of,
    last,
    varint,
)
from exporter_proxy.refusals import EXCERPT_LENGTH, Reason, Refused

# Fields that are read, by number, and their kind; all others are skipped.
_FAMILY = {1: BYTES, 2: BYTES, 3: VARINT, 4: BYTES}
_METRIC = dict.fromkeys((1, 2, 3, 4, 5, 7), BYTES) | {6: VARINT}
_LABEL = {1: BYTES, 2: BYTES}
_VALUE = {1: FIXED64}
_SUMMARY = {1: VARINT, 2: FIXED64, 3: BYTES}
_QUANTILE = {1: FIXED64, 2: FIXED64}
_HISTOGRAM = {1: VARINT, 2: FIXED64, 3: BYTES, 4: FIXED64}
_BUCKET = {1: VARINT, 2: FIXED64, 4: FIXED64}

_GAUGE_HISTOGRAM = 5
_MAX_CACHED_LABEL_BYTES = 256
_ZERO = bytes(8)
_NO_DECIMALS_BELOW = 1e15

_double = Struct("<d").unpack
_FAMILY_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")


class _Part(NamedTuple):
    """One sample of a metric: what follows the name, a further label, the value."""

    suffix: bytes
    label: bytes
    value: bytes


class _Type(NamedTuple):
    """A family's type: its name, the field with a metric's value, how that is read."""

    name: bytes
    field: int
    parts: Callable[[bytes], Iterator[_Part]]


def to_text(data: bytes, limit: int) -> bytes:
    """Return delimited messages ``MetricFamily`` in text format.

    Names are checked, for a line feed in one would begin another line; all else is left
    to whoever reads the text. Raises Refused when the messages are broken, or their
    text is longer than the limit.
    """
    lines, size = [], 0
    for line in _lines(data):
        lines.append(line)
        size += len(line)
        if size > limit:
            raise Refused(Reason.TOO_LARGE, f"a body of more than {limit} bytes")
    return b"".join(lines)


def _lines(data: bytes) -> Iterator[bytes]:
    place = number = 0
    while place < len(data):
        number += 1
        try:
            message, place = _delimited(data, place)
            yield from _family(message)
        except Broken as broken:
            raise Refused(Reason.PROTOBUF, f"message {number}: {broken}") from broken


def _delimited(data: bytes, place: int) -> tuple[bytes, int]:
    """Return the message that starts at a place with its length, and where it ends."""
    size, place = varint(data, place)
    end = place + size
    if end > len(data):
        raise Broken("the body ends within it")
    return data[place:end], end


def _family(message: bytes) -> Iterator[bytes]:
    fields = fields_of(message, _FAMILY)
    name = last(fields, 1, b"")
    if not _FAMILY_NAME.fullmatch(name):
        raise Broken(f"not a metric's name: {_shown(name)}")
    kind = _type(name, last(fields, 3, 0))
    if text := last(fields, 2, b""):
        escaped = text.replace(b"\\", rb"\\").replace(b"\n", rb"\n")
        yield b"# HELP %b %b\n" % (name, escaped)
    yield b"# TYPE %b %b\n" % (name, kind.name)
    for metric in fields.get(4, ()):
        yield from _metric(name, kind, metric)


def _type(name: bytes, number: int) -> _Type:
    if kind := _TYPES.get(number):
        return kind
    what = "gauge histograms" if number == _GAUGE_HISTOGRAM else f"type {number}"
    raise Broken(f"{_shown(name)}: the text format knows no {what}")


def _metric(name: bytes, kind: _Type, metric: bytes) -> Iterator[bytes]:
    fields = fields_of(metric, _METRIC)
    if kind.field not in fields:
        raise Broken(f"{_shown(name)}: a metric that is no {kind.name.decode()}")
    labels = b",".join(map(_label, fields.get(1, ())))
    end = b" %d\n" % _signed(fields[6][-1]) if 6 in fields else b"\n"
    for suffix, label, value in kind.parts(fields[kind.field][-1]):
        both = labels + b"," + label if labels and label else labels or label
        braces = b"{%b}" % both if both else b""
        yield b"%b%b%b %b%b" % (name, suffix, braces, value, end)


def _simple(message: bytes) -> Iterator[_Part]:
    yield _Part(b"", b"", _number(last(fields_of(message, _VALUE), 1, _ZERO)))


def _summary(message: bytes) -> Iterator[_Part]:
    fields = fields_of(message, _SUMMARY)
    for each in fields.get(3, ()):
        quantile = fields_of(each, _QUANTILE)
        bound = b'quantile="%b"' % _number(last(quantile, 1, _ZERO))
        yield _Part(b"", bound, _number(last(quantile, 2, _ZERO)))
    yield _Part(b"_sum", b"", _number(last(fields, 2, _ZERO)))
    yield _Part(b"_count", b"", b"%d" % last(fields, 1, 0))


def _histogram(message: bytes) -> Iterator[_Part]:
    fields = fields_of(message, _HISTOGRAM)
    count, bound = _count(fields), b""
    for each in fields.get(3, ()):
        bucket = fields_of(each, _BUCKET)
        bound = _number(last(bucket, 2, _ZERO))
        yield _Part(b"_bucket", b'le="%b"' % bound, _count(bucket))
    if bound != b"+Inf":
        yield _Part(b"_bucket", b'le="+Inf"', count)
    yield _Part(b"_sum", b"", _number(last(fields, 2, _ZERO)))
    yield _Part(b"_count", b"", count)


def _count(fields: Fields) -> bytes:
    """Return how many were observed: a fraction counts more than a whole number."""
    fraction = last(fields, 4, _ZERO)
    if _double(fraction)[0] > 0:
        return _number(fraction)
    return b"%d" % last(fields, 1, 0)


_TYPES: Mapping[int, _Type] = {
    0: _Type(b"counter", 3, _simple),
    1: _Type(b"gauge", 2, _simple),
    2: _Type(b"summary", 4, _summary),
    3: _Type(b"untyped", 5, _simple),
    4: _Type(b"histogram", 7, _histogram),
}


def _label(pair: bytes) -> bytes:
    # The labels of a series are the same in every push.
    read = _known_label if len(pair) <= _MAX_CACHED_LABEL_BYTES else _new_label
    return read(pair)


def _new_label(pair: bytes) -> bytes:
    fields = fields_of(pair, _LABEL)
    name, value = last(fields, 1, b""), last(fields, 2, b"")
    if not _LABEL_NAME.fullmatch(name):
        raise Broken(f"not a label's name: {_shown(name)}")
    value = value.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b'"', rb"\"")
    return b'%b="%b"' % (name, value)


_known_label = lru_cache(8192)(_new_label)


def _number(double: bytes) -> bytes:
    value: float = _double(double)[0]
    if value.is_integer() and abs(value) < _NO_DECIMALS_BELOW:
        return b"%d" % value
    text = repr(value).encode()
    return {b"nan": b"NaN", b"inf": b"+Inf", b"-inf": b"-Inf"}.get(text, text)


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _shown(name: bytes) -> str:
    return repr(name[:EXCERPT_LENGTH])[1:]
