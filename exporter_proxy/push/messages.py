"""What stands in a push: JSON or Cap'n Proto bytes in, applications' bodies out."""

import struct
from pathlib import Path

import capnp
import orjson

from exporter_proxy.refusals import Reason, Refused

SCHEMA = Path(__file__).parents[1] / "inbound_metrics.capnp"

# Bytes that tell one format from the other.
HEAD_BYTES = 4

_WORD_BYTES = 8
_MAX_SEGMENTS = 512  # as the reference implementation's limit
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"


def is_capnp(head: bytes) -> bool:
    """Return whether a stream that starts like this carries Cap'n Proto messages.

    Those start with the number of segments, which is small, as four bytes with the
    highest last; JSON text contains no NUL.
    """
    return len(head) == HEAD_BYTES and head.endswith(b"\0\0")


def check_json_start(head: bytes) -> None:
    """Raise Refused when a stream that starts like this can be no JSON object."""
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANKS)
    if text and not text.startswith(b"{"):
        raise Refused(Reason.JSON, "expected a JSON object or a Cap'n Proto message")


def read_json(data: bytes) -> dict[str, object]:
    """Return what a JSON message holds for each application. Raises Refused."""
    try:
        message = orjson.loads(data.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise Refused(Reason.JSON, f"not JSON: {error}") from error
    if not isinstance(message, dict) or not message:
        raise Refused(
            Reason.JSON, "expected an object: application name to its metrics"
        )
    return message


def body_of(value: object) -> bytes:
    """Return the body that a message holds for one application. Raises Refused."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case list() if all(isinstance(line, str) for line in value):
            return "\n".join(value).encode()
    raise Refused(Reason.JSON, "expected the metrics as a string or an array of lines")


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
