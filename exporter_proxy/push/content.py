"""What a request's body is: its type, and what it holds once its encoding is undone."""

import io
from collections.abc import Callable, Mapping
from functools import lru_cache
from gzip import BadGzipFile

import cramjam
from isal import igzip
from isal.igzip_lib import IsalError

from exporter_proxy.refusals import Reason, Refused

# Go's client library says these, and nothing else is ever sent.
_PROTOBUF = "application/vnd.google.protobuf"
_PROTOBUF_PARAMETERS = {
    ("proto", "io.prometheus.client.MetricFamily"),
    ("encoding", "delimited"),
}

# What programs say that do not know what they send: curl, for one.
_UNKNOWN = ("", "application/x-www-form-urlencoded", "application/octet-stream")

# How a framed stream starts; Go's library writes these, others a bare block.
# Source: github.com/google/snappy, framing_format.txt.
_SNAPPY_FRAMED = b"\xff\x06\x00\x00sNaPpY"

# Three bytes become at most 64, a copy of what was there before.
_SNAPPY_EXPANSION = 22

# Rust's words for a write into a buffer that is full.
_FULL = "failed to write whole buffer"


@lru_cache(256)
def is_protobuf(content_type: str) -> bool:
    """Return whether a body of this type is protobuf; otherwise it is text.

    Raises Refused for a type that is neither.
    """
    kind, *parameters = (part.strip() for part in content_type.split(";"))
    kind = kind.lower()
    if kind.startswith("text/") or kind in _UNKNOWN:
        return False
    if kind == _PROTOBUF and set(map(_parameter, parameters)) >= _PROTOBUF_PARAMETERS:
        return True
    wanted = "text/plain and delimited protobuf MetricFamily are"
    raise Refused(
        Reason.CONTENT_TYPE, f"the content type {content_type} is not taken: {wanted}"
    )


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip(' "')


def decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return what undoes a content encoding: ``decoded`` for a body and a limit."""
    return lambda body, limit: decoded(body, encoding, limit)


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Return a body without its content encoding.

    Raises Refused when it is broken or holds more bytes than the limit; it is not
    inflated any further than that.
    """
    decoder = _DECODERS.get(encoding.strip().lower())
    if decoder is None:
        what = f"the content encoding {encoding} is not taken: gzip and snappy are"
        raise Refused(Reason.CONTENT_TYPE, what)
    content = decoder(body, limit)
    if len(content) > limit:
        raise _too_large(limit)
    return content


def _plain(body: bytes, _: int) -> bytes:
    return body


def _gzip(body: bytes, limit: int) -> bytes:
    try:
        return _gunzipped(body, limit + 1)
    except (BadGzipFile, EOFError, IsalError) as error:  # type: ignore[misc]  # isal's types lack the class
        raise Refused(Reason.COMPRESSION, f"not gzip: {error}") from error


def _gunzipped(body: bytes, size: int) -> bytes:
    file = igzip.IGzipFile(fileobj=io.BytesIO(body))  # type: ignore[no-untyped-call]  # has no annotations
    return file.read(size)


def _snappy(body: bytes, limit: int) -> bytes:
    if not body:
        return body
    try:
        if body.startswith(_SNAPPY_FRAMED):
            return _snappy_framed(body, limit)
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise _too_large(limit)
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        if str(error) == _FULL:
            raise _too_large(limit) from error
        raise Refused(Reason.COMPRESSION, f"not snappy: {error}") from error


def _snappy_framed(body: bytes, limit: int) -> bytes:
    buffer = bytearray(min(limit, _SNAPPY_EXPANSION * len(body)))
    size = cramjam.snappy.decompress_into(body, buffer)
    with memoryview(buffer) as view:
        return bytes(view[:size])


def _too_large(limit: int) -> Refused:
    return Refused(Reason.TOO_LARGE, f"a body of more than {limit} bytes uncompressed")


_DECODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "": _plain,
    "identity": _plain,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "snappy": _snappy,
}
