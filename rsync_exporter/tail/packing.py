"""Packed logs: known by their first bytes, whatever they are called."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

type Unpack = Callable[[BinaryIO], BinaryIO]

# What logrotate's `compresscmd` may be; and what Python cannot unpack.
_PACKERS: dict[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_UNKNOWN_PACKERS = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
}
_PACKED = re.compile(r"\.(?:gz|xz|bz2|zst|lz4|Z)$")

# How many of a file's first bytes tell all of these apart.
MAGIC_BYTES = 6

# What an unpacked file raises beside OSError, where it is damaged or cut.
DAMAGES = (EOFError, zlib.error, lzma.LZMAError)


def unpack(start: bytes) -> Unpack | None:
    """Return what unpacks a file that begins like this; None if it is not packed.

    Raises OSError when it is packed in a way that cannot be read here.
    """
    for magic, name in _UNKNOWN_PACKERS.items():
        if start.startswith(magic):
            raise OSError(f"packed by {name}, which cannot be read here")
    for magic, opener in _PACKERS.items():
        if start.startswith(magic):
            return cast("Unpack", opener)
    return None


def unpacked_name(path: str) -> str:
    """Return what the file was called before it was packed; the same if it was not."""
    return _PACKED.sub("", path)
