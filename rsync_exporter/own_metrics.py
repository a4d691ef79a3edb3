"""How well the log is read."""

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import Metric

from rsync_exporter.families import counter, gauge
from rsync_exporter.sessions.account import Totals
from rsync_exporter.sessions.results import RESULTS
from rsync_exporter.tail.chunk import Progress


def families(totals: Totals, progress: Sequence[Progress]) -> Iterator[Metric]:
    """Yield all of it."""
    yield counter(
        "rsync_exporter_lines",
        "Records that a metric needs (matched) or not (ignored), forged ones (suspect);"
        " lines that are no records (unparsed), that went on with one (joined), and"
        " that held one more (split)",
        ["file", "result"],
        {
            **{(file.file, result): 0 for file in progress for result in RESULTS},
            **totals.ledger.lines,
        },
    )
    yield from _files(progress)
    yield gauge(
        "rsync_exporter_open_files",
        "Files being read: the logs, and those they replaced that may still grow",
        [],
        {(): sum(file.open_files for file in progress)},
    )
    yield counter(
        "rsync_exporter_label_overflow",
        "Values that were given no label of their own",
        ["label"],
        totals.overflows,
    )
    yield counter(
        "rsync_exporter_clock_regressions",
        "Sessions that ended before they began, by the daemon's clock",
        [],
        {(): totals.ledger.clock_regressions},
    )


def _files(progress: Sequence[Progress]) -> Iterator[Metric]:
    yield counter(
        "rsync_exporter_read_bytes",
        "Bytes read from the log",
        ["file"],
        {file.file: file.read_bytes for file in progress},
    )
    yield counter(
        "rsync_exporter_lost_bytes",
        "Bytes that were in the log and could not be read in time",
        ["file"],
        {file.file: file.lost_bytes for file in progress},
    )
    yield counter(
        "rsync_exporter_rotations",
        "Times the log was replaced or truncated, and rotated files found later",
        ["file", "kind"],
        {
            (file.file, kind): number
            for file in progress
            for kind, number in file.rotations.items()
        },
    )
    yield gauge(
        "rsync_exporter_file_size_bytes",
        "Size of the log",
        ["file"],
        {file.file: file.size_bytes for file in progress},
    )
    yield gauge(
        "rsync_exporter_file_offset_bytes",
        "How much of the log was read",
        ["file"],
        {file.file: file.offset_bytes for file in progress},
    )
