"""Messages as consumers know them: one JSON object each, with a lasting identity."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from esnet_collector.replies import Json, Point
from esnet_collector.streams import Stream


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: ``id`` is the same whenever the same fact is sent again."""

    key: str
    id: str
    body: bytes


def interface_message(
    key: str, record: Mapping[str, Json], timestamp_ms: int
) -> Message:
    """Return an interface's record, every key kept, with the time it was seen."""
    told = {**record, "timestamp": timestamp_ms}
    identity = [
        told.get(name)
        for name in ("namespace", "resource", "name", "device", "timestamp")
    ]
    return Message(key, _digest(identity), _json(told))


def measurement_message(key: str, stream: Stream, point: Point) -> Message:
    """Return one point of a stream; ``name`` is the resource, as consumers expect."""
    told: dict[str, Json] = {
        "name": stream.resource,
        "recordType": stream.kind.value,
        "timestamp": point.time_ms,
        "in": point.inbound,
        "out": point.outbound,
    }
    identity = [stream.resource, stream.kind.value, point.time_ms]
    return Message(key, _digest(identity), _json(told))


def _digest(identity: Iterable[object]) -> str:
    """Return the SHA-1 that consumers use as their document's ``_id``."""
    text = "".join(str(part) for part in identity)
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.sha1(encoded, usedforsecurity=False).hexdigest()


def _json(told: Mapping[str, Json]) -> bytes:
    return json.dumps(told, separators=(",", ":"), allow_nan=False).encode("ascii")
