r"""Acknowledgements: a line for each application, which none can forge.

::

    ok shop 13
    ok billing 7 left out billing_seconds
    refused mailer line 2: not a number that Prometheus reads: mail_queue one
    refused - expected a JSON object or a Cap'n Proto message, got an HTTP request

A name is one word and a text has no line ends: what else they contain is escaped, a
blank in a name as ``\x20``.
"""

import asyncio
import re

from exporter_proxy.refusals import Refused
from exporter_proxy.store.intake import Taken

# Stands for the name where a message has none.
_NO_NAME = "-"

# More than that is not kept for a client that does not read its answers.
MAX_UNREAD_BYTES = 64 * 1024

_LONGEST_NAME = 200


class Unread(Exception):  # noqa: N818 - an outcome, not an error
    """Raised when a client does not read what it is answered."""


class Answers:
    """Answers one client, where answers are wanted, and never waits for it."""

    def __init__(self, transport: asyncio.WriteTransport, *, wanted: bool) -> None:
        self._transport = transport
        self._wanted = wanted

    async def ok(self, application: str, taken: Taken) -> None:
        """Say that data was taken. Raises Unread."""
        await self._say(accepted_line(application, taken))

    async def refused(self, application: str | None, refused: Refused) -> None:
        """Say that data, or a message, was not taken. Raises Unread."""
        await self._say(refused_line(application, refused))

    async def _say(self, line: str) -> None:
        if not self._wanted:
            return
        self._transport.write(f"{line}\n".encode())
        if self._is_full():
            await asyncio.sleep(0)  # what was written leaves at the loop's next turn
            if self._is_full():
                raise Unread

    def _is_full(self) -> bool:
        return self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES


def accepted_line(application: str, taken: Taken) -> str:
    """Return the line for data that was taken, and for what of it was not."""
    line = f"ok {_word(application)} {taken.series}"
    if taken.refused:
        line += f" dropped {taken.dropped_lines} {_text(str(taken.refused))}"
    if taken.left_out:
        line += f" left out {','.join(taken.left_out)}"
    return line


def refused_line(application: str | None, refused: Refused) -> str:
    """Return the line for data, or for a whole message, that was not taken."""
    name = _word(application) if application else _NO_NAME
    return f"refused {name} {_text(str(refused))}"


def _text(text: str) -> str:
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _word(name: str) -> str:
    if name == _NO_NAME:
        return r"\x2d"
    word = re.sub(r"[\s\\]", lambda found: _escaped(found[0]), name[:_LONGEST_NAME])
    return _text(word)


def _escaped(character: str) -> str:
    if character == " ":
        return r"\x20"
    return character.encode("unicode_escape").decode()
