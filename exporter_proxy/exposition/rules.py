"""How the bodies of one application are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Names that only the proxy itself serves.
RESERVED_PREFIX = b"exporter_proxy_"
RESERVED_NAMES = frozenset((b"push_time_seconds", b"push_failure_time_seconds"))


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed in a body, and what is made of it.

    timestamps: ``strip``, ``keep`` or ``reject``.
    drop_bad_lines: read a body without its bad lines, instead of refusing it.
    drop_reserved: read a body without the names that only the proxy itself serves,
        instead of refusing it: so one proxy may poll another.
    labels: put on every series, in place of labels of that name; escaped as in the
        format. An empty value is kept, for it tells Prometheus not to put its own, but
        gives way to a series' own label.
    """

    timestamps: str = "strip"
    drop_bad_lines: bool = False
    drop_reserved: bool = False
    max_bytes: int = 2**24
    max_series: int = 100_000
    max_labels: int = 64
    max_label_bytes: int = 4096
    labels: Mapping[bytes, bytes] = field(default_factory=dict)
