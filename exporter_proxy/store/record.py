"""What is kept of an application, to be served again after a restart or elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter_proxy.config.values import Lifetime


@dataclass(frozen=True, slots=True)
class Record:
    """An application's last good data, and how it came.

    channel: ``json``, ``capnp``, ``http`` or ``poll``.
    updated_at: when it was taken, in seconds since the epoch.
    interval: seconds between its deliveries, once that is known.
    lifetime: what the sender wished; None leaves it to the configuration.
    labels: of the group that a push by HTTP went to.
    since: when the first of its data was taken, to tell who came before whom.
    text: the families in the exposition format, as they are served.
    """

    name: str
    channel: str
    source: str
    updated_at: float
    text: bytes
    interval: float | None = None
    lifetime: Lifetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    since: float | None = None
