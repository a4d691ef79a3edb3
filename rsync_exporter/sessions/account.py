"""A daemon's log, as it adds up: chunks of lines in, totals out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rsync_exporter.rsyncd import escapes
from rsync_exporter.rsyncd.log_format import LogFormat
from rsync_exporter.rsyncd.log_time import LogTime
from rsync_exporter.rsyncd.reading import Reader, Writer
from rsync_exporter.sessions.bookkeeper import Bookkeeper
from rsync_exporter.sessions.labels import ModuleLabels
from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.networks import Networks
from rsync_exporter.sessions.options import Options
from rsync_exporter.sessions.register import Register
from rsync_exporter.sessions.session import (
    OTHER_OUTCOMES,
    TRANSFER_OUTCOMES,
    Session,
)
from rsync_exporter.tail.chunk import Chunk

# More files than are read at a time; those before are read no more.
MAX_READERS = 1_000


@dataclass(frozen=True)
class Totals:
    """What the log has said so far; nothing changes it any more.

    active: sessions in progress, by module.
    client_bytes: by network and direction.
    overflows: values that were given no label of their own, by label.
    """

    ledger: Ledger
    active: Mapping[str, int]
    client_bytes: Mapping[tuple[str, str], int]
    overflows: Mapping[str, int]


class Account:
    """Everything that is counted, and what is known of the sessions in progress."""

    def __init__(
        self, options: Options, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._clock = clock
        self._read_at = clock()
        self._ledger = Ledger()
        self._modules = ModuleLabels(options.max_modules)
        self._networks = Networks(options.networks_top)
        self._register = Register(options.session_expiry_seconds)
        self._bookkeeper = Bookkeeper(
            self._ledger, self._register, self._modules, self._networks
        )
        self._readers: dict[tuple[int, bytes], Reader[Session]] = {}
        self._totals: Totals | None = None
        self.configure(options)

    def configure(self, options: Options) -> None:
        """Go by other options from now on; what was counted stays."""
        self._options, self._totals = options, None
        self._register.expiry_seconds = options.session_expiry_seconds
        self._modules.configure(options.modules)
        formats = self._bookkeeper.transfer_log.formats
        formats.clear()
        formats[""] = options.log_format
        for module in options.modules.values():
            name = module.name.encode("utf-8", "surrogateescape")
            label = self._modules.of(name)
            if module.transfer_logging:
                formats[label] = LogFormat.compile(module.log_format, name)
            self._expect(label, module.max_connections)
        self._bookkeeper.give_formats()

    def add(self, chunk: Chunk) -> None:
        """Count lines."""
        self._totals = None
        reader = self._reader(chunk)
        self._register.stream = chunk.stream
        reader.read(chunk.lines, ends=chunk.ends)
        for counts in (self._bookkeeper.take_results(), reader.take_counts()):
            for result, number in counts.items():
                self._ledger.lines[chunk.file, result] += number
        self._read_at = self._clock()

    def elapse(self) -> None:
        """Let time pass while nothing is logged: sessions come to their end."""
        quiet_seconds = int(self._clock() - self._read_at)
        if quiet_seconds:
            self._read_at += quiet_seconds
            self._register.advance(self._register.latest + quiet_seconds)
            self._settle()

    def finish(self) -> None:
        """Count everything as over: there will be no further line."""
        self._register.finish()
        self._settle()

    def streams_in_use(self) -> frozenset[int]:
        """Return the numbers of the files that sessions in progress write to."""
        return self._register.streams()

    def is_holding(self, stream: int) -> bool:
        """Return whether a file's next line may be the rest of a message."""
        reader = self._readers.get((stream, b""))
        return reader is not None and reader.is_holding

    def totals(self) -> Totals:
        """Return what was counted: the same as before as long as nothing changes."""
        if self._totals is None:
            overflows = {
                "module": self._modules.overflows,
                "network": self._networks.overflows,
            }
            self._totals = Totals(
                self._ledger.copy(),
                self._register.active(),
                self._networks.bytes.copy(),
                overflows,
            )
        return self._totals

    def state(self) -> dict[str, Any]:
        """Return everything, for a checkpoint."""
        return {
            "ledger": self._ledger.state(),
            "modules": self._modules.state(),
            "networks": self._networks.state(),
            "register": self._register.state(),
            "masters": [pid.decode("latin-1") for pid in self._bookkeeper.masters],
            "readers": {
                stream: reader.state()
                for (stream, _source), reader in self._readers.items()
                if stream >= 0  # only files go on where they were
            },
        }

    def restore(self, state: Mapping[str, Any], *, counts: bool = True) -> None:
        """Go on from what a checkpoint holds; without its counts, if so wished.

        Raises KeyError, TypeError or ValueError when it is not what ``state`` returns.
        """
        self._totals = None
        self._modules.restore(state["modules"])
        self._register.restore(state["register"])
        for pid in state["masters"]:
            self._bookkeeper.masters[pid.encode("latin-1")] = None
        for stream, kept in state["readers"].items():
            self._new_reader(int(stream), b"").restore(kept)
        if counts:
            self._ledger.restore(state["ledger"])
            self._networks.restore(state["networks"])
        self._bookkeeper.give_formats()

    def _settle(self) -> None:
        if self._register.over:
            self._totals = None
            self._bookkeeper.settle()

    def _reader(self, chunk: Chunk) -> Reader[Session]:
        return self._readers.get((chunk.stream, chunk.source)) or self._new_reader(
            chunk.stream, chunk.source, is_framed=chunk.is_framed
        )

    def _new_reader(
        self, stream: int, source: bytes, *, is_framed: bool = False
    ) -> Reader[Session]:
        options = self._options
        formats = (options.log_format, *self._bookkeeper.transfer_log.formats.values())
        known = all(each.text.endswith(b"%l") for each in formats)
        writer = Writer(
            options.lines,
            source,
            known if options.is_format_known else None,
            _always if is_framed else self._escapes_newlines,
        )
        # One each: what an hour means that comes twice depends on the line before.
        reader = Reader[Session](writer, LogTime(options.zone), self._bookkeeper)
        self._readers[stream, source] = reader
        if len(self._readers) > MAX_READERS:
            del self._readers[next(iter(self._readers))]
        return reader

    def _escapes_newlines(self) -> bool:
        return any(
            escapes.are_written_by(version) for version, _ in self._ledger.daemon
        )

    def _expect(self, module: str, max_connections: int) -> None:
        sessions = self._ledger.sessions
        for direction in ("pull", "push"):
            for outcome in TRANSFER_OUTCOMES:
                sessions[module, direction, outcome] += 0
        for outcome in OTHER_OUTCOMES:
            sessions[module, "none", outcome] += 0
        for counts in (
            self._ledger.module_sent_bytes,
            self._ledger.module_received_bytes,
            self._ledger.denied,
            self._ledger.exhausted,
            self._ledger.vanished_files,
        ):
            counts[module] += 0
        if max_connections > 0:
            self._ledger.connection_limits[module] = max_connections


def _always() -> bool:
    return True
