"""Unpacks gzip piece by piece, so that a small body can never become a huge one."""

from collections.abc import Iterator

from isal import isal_zlib
from isal.igzip_lib import IsalError

from exporter_proxy.refusals import Reason, Refused

# What a piece of the body may unpack to at once.
PIECE_BYTES = 256 * 1024

_WRONG = "Content-Encoding says gzip, the body is not"

_MAGIC = 0x1F
_GZIP = 16 + 15  # zlib's window bits: a gzip header and trailer, the largest window


class Inflater:
    """Unpacks one body of one or several gzip members."""

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(wbits=_GZIP)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes unpack to, in pieces of a bounded size.

        Raises Refused when they are not gzip.
        """
        piece = data
        # It may have read everything and still hold back some of what that unpacks to.
        while data or (piece and not self._member.eof):
            if self._member.eof:
                self._member = isal_zlib.decompressobj(wbits=_GZIP)
            piece = self._piece(data)
            yield piece
            data = self._member.unused_data or self._member.unconsumed_tail

    def finish(self) -> None:
        """Raise Refused when the body ended before its gzip did."""
        if self._begun and not self._member.eof:
            raise Refused(Reason.CUT_OFF, "the gzip body ends before its end")

    def _piece(self, data: bytes) -> bytes:
        if not self._begun and data[0] != _MAGIC:  # isal waits for a whole header
            raise Refused(Reason.COMPRESSION, _WRONG)
        self._begun = True
        try:
            return self._member.decompress(data, PIECE_BYTES)
        except IsalError as error:  # type: ignore[misc]  # isal's types lack the class
            raise Refused(Reason.COMPRESSION, _WRONG) from error
