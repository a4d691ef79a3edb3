"""Blocks of bytes to lines: an unended one waits, an endless one is cut."""

# rsyncd's longest message, every byte of it escaped, is 10 KiB. Cut messages carry no
# newline, so a few of them may share one line.
MAX_LINE_BYTES = 65_536


class LineSplitter:
    """Puts the lines of a file back together, however its blocks were cut.

    Of a longer line only the first MAX_LINE_BYTES are kept.

    waiting_bytes: of the line that has no end yet, also those of it that were cut.
    cut_bytes: of all lines that were handed on, ever.
    """

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self.cut_bytes = 0
        self._unended = bytearray()

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that this block completes, without their newlines."""
        lines = block.split(b"\n")
        last = lines.pop()
        if lines:
            lines[0] = self._end(lines[0])
            self._cut(lines)
        self._wait(last)
        return lines

    def _wait(self, piece: bytes) -> None:
        self._unended += piece[: MAX_LINE_BYTES - len(self._unended)]
        self.waiting_bytes += len(piece)

    def _end(self, piece: bytes) -> bytes:
        self._wait(piece)
        line = bytes(self._unended)
        self.cut_bytes += self.waiting_bytes - len(line)
        self._unended.clear()
        self.waiting_bytes = 0
        return line

    def _cut(self, lines: list[bytes]) -> None:
        if max(map(len, lines)) <= MAX_LINE_BYTES:
            return
        self.cut_bytes += sum(max(0, len(line) - MAX_LINE_BYTES) for line in lines)
        lines[:] = [line[:MAX_LINE_BYTES] for line in lines]
