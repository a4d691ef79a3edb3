"""Whole files to an exposition: what ``--once FILE...`` prints."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, generate_latest

from rsync_exporter.collector import Snapshot
from rsync_exporter.options import options
from rsync_exporter.sessions.account import Account
from rsync_exporter.settings import Settings
from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.lines import LineSplitter
from servicekit import ServiceFailed, Stop, Stopped
from servicekit.metrics import add_build_info

BLOCK_BYTES = 1_048_576

_STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"


def once(settings: Settings, names: Sequence[str], stop: Stop) -> int:
    """Count the files in their order, print the metrics, and return the exit code.

    Raises ServiceFailed when one of them cannot be read: then nothing is printed.
    """
    account, progress = Account(options(settings)), []
    for stream, name in enumerate(names):
        read_bytes = 0
        for block, chunk in _read(name, stream):
            if stop.is_set():
                raise Stopped(name)
            read_bytes += len(block)
            account.add(chunk)
        progress.append(Progress(name, read_bytes=read_bytes, size_bytes=read_bytes))
    account.finish()
    return _print(settings, account, progress)


def _read(name: str, stream: int) -> Iterator[tuple[bytes, Chunk]]:
    lines = LineSplitter()
    try:
        with _opened(name) as file:
            block = b""
            while following := file.read(BLOCK_BYTES):
                block = following
                yield block, Chunk(name, stream, lines.feed(block), ends=False)
    except (OSError, EOFError, zlib.error) as error:
        raise ServiceFailed(f"cannot read file={name} error={error}") from error
    # What was written to the very end is whole, with a newline or without.
    last = [] if block.endswith(b"\n") or not block else lines.feed(b"\n")
    yield b"", Chunk(name, stream, last, ends=True)


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedIOBase]:
    """Open a file, unpacked if it is packed, or standard input."""
    source = 0 if name == _STANDARD_INPUT else name
    with open(source, "rb", closefd=source != 0) as file:
        if file.peek(len(_GZIP)).startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
        else:
            yield file


def _print(settings: Settings, account: Account, progress: Sequence[Progress]) -> int:
    registry = CollectorRegistry()
    add_build_info("rsync_exporter", registry)
    snapshot = Snapshot(legacy_status_code=settings.rsync_exporter_legacy_status_code)
    snapshot.replace(account.totals(), progress)
    registry.register(snapshot)
    try:
        sys.stdout.buffer.write(generate_latest(registry))
        sys.stdout.flush()
    except BrokenPipeError:  # as in "| head": nothing is wrong, nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
