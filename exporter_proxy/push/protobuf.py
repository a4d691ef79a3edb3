"""Prometheus' protobuf format: delimited messages in, text format out.

What the text format cannot say is left out: exemplars, created timestamps, and the
buckets of native histograms.
Source: github.com/prometheus/client_model, io/prometheus/client/metrics.proto.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from exporter_proxy.refusals import EXCERPT_LENGTH, Reason, Refused

# Kinds of fields on the wire. Source: protobuf.dev/programming-guides/encoding.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES = 10
_UINT64 = 2**64 - 1

# Fields that are read, by number, and their kind; all others are skipped.
_FAMILY = {1: _BYTES, 2: _BYTES, 3: _VARINT, 4: _BYTES}
_METRIC = dict.fromkeys((1, 2, 3, 4, 5, 7), _BYTES) | {6: _VARINT}
_LABEL = {1: _BYTES, 2: _BYTES}
_VALUE = {1: _FIXED64}
_SUMMARY = {1: _VARINT, 2: _FIXED64, 3: _BYTES}
_QUANTILE = {1: _FIXED64, 2: _FIXED64}
_HISTOGRAM = {1: _VARINT, 2: _FIXED64, 3: _BYTES, 4: _FIXED64}
_BUCKET = {1: _VARINT, 2: _FIXED64, 4: _FIXED64}

_GAUGE_HISTOGRAM = 5
_MAX_CACHED_LABEL_BYTES = 256
_ZERO = bytes(8)
_NO_DECIMALS_BELOW = 1e15

_double = Struct("<d").unpack
_FAMILY_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")

# The values of each field of a message, by its number, as they came.
type _Fields = dict[int, list[Any]]


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


class _Broken(Exception):  # noqa: N818 - becomes a refusal with its place
    """Bytes that are no message of this format, or one that text cannot say."""


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
        except _Broken as broken:
            raise Refused(Reason.PROTOBUF, f"message {number}: {broken}") from broken


def _delimited(data: bytes, place: int) -> tuple[bytes, int]:
    """Return the message that starts at a place with its length, and where it ends."""
    size, place = _varint(data, place)
    end = place + size
    if end > len(data):
        raise _Broken("the body ends within it")
    return data[place:end], end


def _family(message: bytes) -> Iterator[bytes]:
    fields = _fields(message, _FAMILY)
    name = _last(fields, 1, b"")
    if not _FAMILY_NAME.fullmatch(name):
        raise _Broken(f"not a metric's name: {_shown(name)}")
    kind = _type(name, _last(fields, 3, 0))
    if text := _last(fields, 2, b""):
        escaped = text.replace(b"\\", rb"\\").replace(b"\n", rb"\n")
        yield b"# HELP %b %b\n" % (name, escaped)
    yield b"# TYPE %b %b\n" % (name, kind.name)
    for metric in fields.get(4, ()):
        yield from _metric(name, kind, metric)


def _type(name: bytes, number: int) -> _Type:
    if kind := _TYPES.get(number):
        return kind
    what = "gauge histograms" if number == _GAUGE_HISTOGRAM else f"type {number}"
    raise _Broken(f"{_shown(name)}: the text format knows no {what}")


def _metric(name: bytes, kind: _Type, metric: bytes) -> Iterator[bytes]:
    fields = _fields(metric, _METRIC)
    if kind.field not in fields:
        raise _Broken(f"{_shown(name)}: a metric that is no {kind.name.decode()}")
    labels = b",".join(map(_label, fields.get(1, ())))
    end = b" %d\n" % _signed(fields[6][-1]) if 6 in fields else b"\n"
    for suffix, label, value in kind.parts(fields[kind.field][-1]):
        both = labels + b"," + label if labels and label else labels or label
        braces = b"{%b}" % both if both else b""
        yield b"%b%b%b %b%b" % (name, suffix, braces, value, end)


def _simple(message: bytes) -> Iterator[_Part]:
    yield _Part(b"", b"", _number(_last(_fields(message, _VALUE), 1, _ZERO)))


def _summary(message: bytes) -> Iterator[_Part]:
    fields = _fields(message, _SUMMARY)
    for each in fields.get(3, ()):
        quantile = _fields(each, _QUANTILE)
        bound = b'quantile="%b"' % _number(_last(quantile, 1, _ZERO))
        yield _Part(b"", bound, _number(_last(quantile, 2, _ZERO)))
    yield _Part(b"_sum", b"", _number(_last(fields, 2, _ZERO)))
    yield _Part(b"_count", b"", b"%d" % _last(fields, 1, 0))


def _histogram(message: bytes) -> Iterator[_Part]:
    fields = _fields(message, _HISTOGRAM)
    count, bound = _count(fields), b""
    for each in fields.get(3, ()):
        bucket = _fields(each, _BUCKET)
        bound = _number(_last(bucket, 2, _ZERO))
        yield _Part(b"_bucket", b'le="%b"' % bound, _count(bucket))
    if bound != b"+Inf":
        yield _Part(b"_bucket", b'le="+Inf"', count)
    yield _Part(b"_sum", b"", _number(_last(fields, 2, _ZERO)))
    yield _Part(b"_count", b"", count)


def _count(fields: _Fields) -> bytes:
    """Return how many were observed: a fraction counts more than a whole number."""
    fraction = _last(fields, 4, _ZERO)
    if _double(fraction)[0] > 0:
        return _number(fraction)
    return b"%d" % _last(fields, 1, 0)


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
    fields = _fields(pair, _LABEL)
    name, value = _last(fields, 1, b""), _last(fields, 2, b"")
    if not _LABEL_NAME.fullmatch(name):
        raise _Broken(f"not a label's name: {_shown(name)}")
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


def _last(fields: _Fields, number: int, default: Any) -> Any:  # noqa: ANN401 - as its kind
    return fields[number][-1] if number in fields else default


def _fields(data: bytes, kinds: Mapping[int, int]) -> _Fields:
    """Return the values of those fields of a message that are asked for."""
    found: _Fields = {}
    place, end = 0, len(data)
    while place < end:
        tag, place = data[place], place + 1
        if tag > 127:
            tag, place = _varint(data, place - 1)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, place = _varint(data, place)
        else:
            size, place = _size(kind, data, place)
            value = data[place : place + size]
            place += size
        if number in kinds:
            if kinds[number] != kind:
                raise _Broken(f"field {number} is of wire type {kind}")
            found.setdefault(number, []).append(value)
    if place > end:
        raise _Broken("it ends within a field")
    return found


def _size(kind: int, data: bytes, place: int) -> tuple[int, int]:
    """Return a field's length, and where its bytes begin."""
    if kind == _BYTES:
        return _varint(data, place)
    if kind in _SIZES:
        return _SIZES[kind], place
    raise _Broken(f"there is no wire type {kind}")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number that starts at a place, and where it ends."""
    first = data[place : place + 1]
    if first < b"\x80" and first:
        return first[0], place + 1
    number = 0
    for shift, byte in enumerate(data[place : place + _MAX_VARINT_BYTES]):
        number |= (byte & 127) << 7 * shift
        if byte < 128:
            return number & _UINT64, place + shift + 1
    raise _Broken("it ends within a number, or the number is too long")


def _shown(name: bytes) -> str:
    return repr(name[:EXCERPT_LENGTH])[1:]
