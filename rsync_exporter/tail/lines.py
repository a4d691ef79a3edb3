"""Blocks of bytes to lines: an unended one waits, an endless one is cut."""

# rsyncd's longest message, every byte of it escaped, is 10 KiB. Cut messages carry no
# newline, so a few of them may share one line.
MAX_LINE_BYTES = 65_536


class LineSplitter:
    """Puts the lines of a file back together, however its blocks were cut.

    Of a longer line only the first MAX_LINE_BYTES are kept.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that this block completes, without their newlines."""
        head, *rest = block.split(b"\n")
        self._keep(head)
        if not rest:
            return []
        lines = [bytes(self._pending), *(line[:MAX_LINE_BYTES] for line in rest[:-1])]
        self._pending.clear()
        self._keep(rest[-1])
        return lines

    def _keep(self, piece: bytes) -> None:
        self._pending += piece[: MAX_LINE_BYTES - len(self._pending)]
