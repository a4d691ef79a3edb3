"""Protobuf's wire format: the bytes of one message in, the values of its fields out.

Source: protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Mapping
from typing import Any

# Kinds of fields.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10
_UINT64 = 2**64 - 1

# The values of each field of a message, by its number, as they came.
type Fields = dict[int, list[Any]]


class Broken(Exception):  # noqa: N818 - becomes a refusal with its place
    """Bytes that are no such message."""


def fields_of(data: bytes, kinds: Mapping[int, int]) -> Fields:
    """Return the values of a message's fields that are asked for.

    kinds: those fields by their numbers, and their kind; all others are skipped.
    Raises Broken.
    """
    found: Fields = {}
    place, end = 0, len(data)
    while place < end:
        tag, place = data[place], place + 1
        if tag > 127:
            tag, place = varint(data, place - 1)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == VARINT:
            value, place = varint(data, place)
        else:
            size, place = _size(kind, data, place)
            value = data[place : place + size]
            place += size
        if number in kinds:
            if kinds[number] != kind:
                raise Broken(f"field {number} is of wire type {kind}")
            found.setdefault(number, []).append(value)
    if place > end:
        raise Broken("it ends within a field")
    return found


def last(fields: Fields, number: int, default: Any) -> Any:  # noqa: ANN401 - as its kind
    """Return a field's value: the last one counts."""
    return fields[number][-1] if number in fields else default


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number that starts at a place, and where it ends. Raises Broken."""
    first = data[place : place + 1]
    if first < b"\x80" and first:
        return first[0], place + 1
    number = 0
    for shift, byte in enumerate(data[place : place + _MAX_VARINT_BYTES]):
        number |= (byte & 127) << 7 * shift
        if byte < 128:
            return number & _UINT64, place + shift + 1
    raise Broken("it ends within a number, or the number is too long")


def _size(kind: int, data: bytes, place: int) -> tuple[int, int]:
    """Return a field's length, and where its bytes begin."""
    if kind == BYTES:
        return varint(data, place)
    if kind in _SIZES:
        return _SIZES[kind], place
    raise Broken(f"there is no wire type {kind}")
