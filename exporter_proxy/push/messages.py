"""What stands in a push: JSON or Cap'n Proto bytes in, applications' bodies out."""

import re
import struct
from pathlib import Path
from typing import NamedTuple

import capnp
import orjson

from exporter_proxy.config import values
from exporter_proxy.config.values import Lifetime
from exporter_proxy.refusals import Reason, Refused

# What was sent for each application, by its name.
type Message = dict[str, object]

SCHEMA = Path(__file__).parents[1] / "inbound_metrics.capnp"

# Bytes that tell one format from the other.
HEAD_BYTES = 4

_WORD_BYTES = 8
_MAX_SEGMENTS = 512  # as the reference implementation's limit

# Source: RFC 8446, section 5.1: a record's type and its version.
_TLS_HANDSHAKE = b"\x16\x03"
_HTTP_REQUEST = re.compile(rb"[A-Z]{3,10} +[!-~]+( |$)")


class Sent(NamedTuple):
    """A body in the exposition format, and how long its sender wants it to count."""

    body: bytes
    lifetime: Lifetime | None


def is_capnp(head: bytes) -> bool:
    """Return whether a stream that starts like this carries Cap'n Proto messages.

    Those start with the number of segments, which is small, as four bytes with the
    highest last; JSON text contains no NUL.
    """
    return len(head) == HEAD_BYTES and head.endswith(b"\0\0")


def no_message(start: bytes) -> Refused:
    """Return the refusal of what starts like this and is of no known format."""
    if start.startswith(_TLS_HANDSHAKE):
        found = "TLS, but receiver.tls is off"
    elif _HTTP_REQUEST.match(start):
        found = "an HTTP request, which belongs to exporter.scrape_expose_endpoint"
    else:
        found = start.split(b"\n")[0].decode("utf-8", "backslashreplace")
    wanted = "expected a JSON object or a Cap'n Proto message"
    return Refused(Reason.JSON, f"{wanted}, got {found}")


def try_json(text: bytes | memoryview) -> Message | None:
    """Return what a JSON message holds; None if it is none, or not complete."""
    try:
        message: Message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message


def read_json(text: bytes | memoryview) -> Message:
    """Return what a JSON message holds: it starts with a brace. Raises Refused.

    Of an application that stands in it twice, the later one counts, as it would in two
    messages.
    """
    try:
        message: Message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(Reason.JSON, f"not JSON: {error}") from None
    return check_not_empty(message)


def check_not_empty(message: Message) -> Message:
    """Return the message. Raises Refused when it holds nothing."""
    if not message:
        raise Refused(
            Reason.JSON, "expected an object: application name to its metrics"
        )
    return message


def read_value(value: object) -> Sent:
    """Return what a message holds for one application. Raises Refused."""
    match value:
        case {"metrics": metrics, **more} if not more.keys() - {"ttl"}:
            return Sent(_body(metrics), _lifetime(more["ttl"]) if more else None)
        case dict():
            raise Refused(Reason.JSON, "expected an object of metrics and maybe ttl")
    return Sent(_body(value), None)


def _body(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case list() if all(isinstance(line, str) for line in value):
            return "\n".join(value).encode()
    raise Refused(Reason.JSON, "expected the metrics as a string or an array of lines")


def _lifetime(value: object) -> Lifetime:
    text = str(value) if type(value) in (str, int, float) else ""
    try:
        return values.lifetime(text)
    except ValueError as error:
        raise Refused(Reason.LIFETIME, f"ttl: expected {error}") from None


def capnp_header_bytes(head: bytes) -> int:
    """Return the length of a message's header, of which the first bytes are given.

    Source: capnproto.org/encoding.html, "Serialization Over a Stream".
    Raises Refused.
    """
    segments = int.from_bytes(head[:HEAD_BYTES], "little") + 1
    if segments > _MAX_SEGMENTS:
        raise Refused(
            Reason.CAPNP, f"{segments} segments are more than {_MAX_SEGMENTS}"
        )
    return (4 + 4 * segments + 7) // _WORD_BYTES * _WORD_BYTES


def capnp_message_bytes(header: bytes) -> int:
    """Return the length of a message with its header, which is given."""
    segments = int.from_bytes(header[:4], "little") + 1
    words: int = sum(struct.unpack_from(f"<{segments}I", header, 4))
    return len(header) + words * _WORD_BYTES


class CapnpReader:
    """Reads whole messages ``InboundMetrics``."""

    def __init__(self) -> None:
        self._schema = capnp.load(str(SCHEMA))

    def read(self, message: bytes) -> tuple[str, bytes]:
        """Return a message's application and body. Raises Refused."""
        words = len(message) // _WORD_BYTES
        try:
            with self._schema.InboundMetrics.from_bytes(
                message, traversal_limit_in_words=words
            ) as inbound:
                return inbound.appName, inbound.data.encode()
        except (capnp.KjException, UnicodeDecodeError, ValueError) as error:
            what = str(error).partition("\n")[0]
            raise Refused(Reason.CAPNP, f"not a message: {what}") from error
