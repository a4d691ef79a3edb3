"""How to read a daemon's log, beyond what the log itself says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from rsync_exporter.rsyncd.conf import Module
from rsync_exporter.rsyncd.line_format import RSYNCD, Lines
from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat


@dataclass(frozen=True)
class Options:
    """What the settings and rsyncd.conf say.

    log_format: of modules that are not in ``modules``.
    is_format_known: whether anybody told; else it is rsync's default, or another.
    modules: those of rsyncd.conf; their series are there from the start.
    zone: of the log's times; None for this system's.
    networks_top: how many client networks have a label of their own; 0 for none.
    """

    lines: Lines = RSYNCD
    log_format: LogFormat = field(default_factory=lambda: LogFormat.compile(DEFAULT))
    is_format_known: bool = False
    modules: Mapping[str, Module] = field(default_factory=dict)
    zone: tzinfo | None = None
    max_modules: int = 200
    networks_top: int = 0
    session_expiry_seconds: float = 86_400
