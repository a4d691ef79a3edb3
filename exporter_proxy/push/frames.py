"""Messages out of a stream that comes in pieces: bytes in, what they hold out.

A message is an application name to what was sent for it. Framers are pure: whatever
the pieces a stream comes in, its messages are the same.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from exporter_proxy.push import messages
from exporter_proxy.push.messages import Message
from exporter_proxy.refusals import EXCERPT_LENGTH, Reason, Refused

# What may stand before a message: blanks, and the byte order mark of a text.
_BETWEEN = re.compile(rb"(?:[ \t\r\n]++|\xef\xbb\xbf)*+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Outside of strings up to the next brace, or up to a string that is not there whole.
_UP_TO_BRACE = re.compile(rb'(?:[^"{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
# Within a string up to its end, or up to an escape that is not there whole.
_UP_TO_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class Framer(Protocol):
    """Finds the messages of one format in one stream."""

    @property
    def held(self) -> int:
        """How many bytes of an unfinished message there are."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that are complete with what came now.

        Raises Refused at what is no message; nothing can be read after that.
        """

    def end(self) -> None:
        """Raise Refused when the stream ends within a message."""


class JsonFramer:
    """Finds JSON objects: each is complete where its outermost brace closes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._search = _ClosingBrace()
        # Reading ahead failed up to half of this.
        self._worth_reading = 0

    @property
    def held(self) -> int:
        """How many bytes of an unfinished message there are."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that are complete now. Raises Refused."""
        looked = len(self._buffer) if self._buffer.startswith(b"{") else 0
        self._buffer += data
        yield from self._complete(looked)
        _check_size(len(self._buffer), self._max_bytes)

    def end(self) -> None:
        """Raise Refused when the stream ends within a message."""
        if self._buffer:
            raise Refused(Reason.JSON, "the stream ended within a message")

    def _complete(self, looked: int) -> Iterator[Message]:
        """Yield messages; up to ``looked`` it is known that none is complete."""
        ahead, closes = True, False
        while self._has_started():
            message = self._read_ahead(looked) if ahead else None
            ahead = message is not None
            if message is None:
                closes = closes or _may_close(self._buffer, looked)
                message = self._read_exactly() if closes else None
            if message is None:
                return
            self._search, self._worth_reading, looked = _ClosingBrace(), 0, 0
            yield message

    def _has_started(self) -> bool:
        """Drop what stands before a message. Raises Refused if it is none."""
        if self._buffer.startswith(b"{"):
            return True
        blanks = _BETWEEN.match(self._buffer)
        del self._buffer[: blanks.end() if blanks else 0]
        start = bytes(self._buffer[:EXCERPT_LENGTH])
        if start.startswith(b"{") or _BYTE_ORDER_MARK.startswith(start):
            return start.startswith(b"{")
        raise messages.no_message(start)

    def _read_ahead(self, looked: int) -> Message | None:
        """Read up to where the message probably ends; None if it does not.

        That takes a tenth of the time of finding its end first. What failed is tried
        again only when there is twice as much, so it costs little even in vain.
        """
        end = self._buffer.find(b"}\n", max(looked - 1, 0)) + 1
        if not end and self._buffer.endswith(b"}"):
            end = len(self._buffer)
        if not end or not self._worth_reading <= end <= self._max_bytes:
            return None
        with memoryview(self._buffer) as view, view[:end] as text:
            message = messages.try_json(text)
        if message is None:
            self._worth_reading = 2 * end
            return None
        del self._buffer[:end]
        return messages.check_not_empty(message)

    def _read_exactly(self) -> Message | None:
        end = self._search.find(self._buffer)
        if not end:
            return None
        _check_size(end, self._max_bytes)
        with memoryview(self._buffer) as view, view[:end] as text:
            message = messages.read_json(text)
        del self._buffer[:end]
        return message


class _ClosingBrace:
    """Looks for the end of an object, at every byte once."""

    def __init__(self) -> None:
        self._at = 0
        self._depth = 0
        self._in_string = False

    def find(self, text: bytearray) -> int:
        """Return the length of the object that the text starts with; 0: not yet."""
        while self._at < len(text):
            if self._in_string:
                self._at = _end(_UP_TO_QUOTE, text, self._at)
                if text[self._at : self._at + 1] != b'"':
                    return 0
                self._in_string = False
                self._at += 1
            self._at = _end(_UP_TO_BRACE, text, self._at)
            found = text[self._at : self._at + 1]
            self._at += len(found)
            self._in_string = found == b'"'
            self._depth += (found == b"{") - (found == b"}")
            if found == b"}" and not self._depth:
                return self._at
        return 0


def _end(pattern: re.Pattern[bytes], text: bytearray, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _may_close(text: bytearray, start: int) -> bool:
    r"""Return whether an object may end after ``start``: a look of little cost.

    No brace after ``\"`` ends one: the quote is part of a string, and the brace too. In
    metrics all braces are of this kind. With ``\\"`` it is another matter.
    """
    return text.find(b'\\\\"}', max(start - 3, 0)) >= 0 or text.count(
        b"}", start
    ) != text.count(b'\\"}', max(start - 2, 0))


class CapnpFramer:
    """Finds Cap'n Proto messages: each says its length in its header."""

    def __init__(self, max_bytes: int, reader: messages.CapnpReader) -> None:
        self._max_bytes = max_bytes
        self._reader = reader
        self._buffer = bytearray()

    @property
    def held(self) -> int:
        """How many bytes of an unfinished message there are."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that are complete now. Raises Refused."""
        self._buffer += data
        while (size := self._next_size()) and len(self._buffer) >= size:
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            application, body = self._reader.read(message)
            yield {application: body}

    def end(self) -> None:
        """Raise Refused when the stream ends within a message."""
        if self._buffer:
            raise Refused(Reason.CAPNP, "the stream ended within a message")

    def _next_size(self) -> int:
        """Return the next message's length, which its header says; 0: not yet."""
        if len(self._buffer) < messages.HEAD_BYTES:
            return 0
        head = bytes(self._buffer[: messages.HEAD_BYTES])
        header_size = messages.capnp_header_bytes(head)
        if len(self._buffer) < header_size:
            return 0
        size = messages.capnp_message_bytes(bytes(self._buffer[:header_size]))
        _check_size(size, self._max_bytes)
        return size


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Refused(Reason.TOO_LARGE, f"a message of more than {limit} bytes")
