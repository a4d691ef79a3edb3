"""Whether lines about files end in the file's length, as by rsync's default format."""

# So many more lines of one kind than of the other settle it.
_SETTLED = 10


class LengthEnds:
    """Tells lines about files that lack their end.

    balance: lines that ended in a number, less those that did not.
    """

    def __init__(self, *, known: bool | None) -> None:
        """Judge by what is known of the format; None: find out by the lines."""
        self.balance = {True: _SETTLED, False: -_SETTLED, None: 0}[known]

    def lacks(self, message: bytes) -> bool:
        """Return whether a message that begins as a line about a file goes on."""
        before = self.balance
        if abs(before) < _SETTLED:
            self.balance += 1 if _ends_with_number(message) else -1
        return before >= 0 and not self.may_end(message)

    def may_end(self, message: bytes) -> bool:
        """Return whether this may be a message's end.

        Few names end in digits before a newline; the rest of such a name is a line of
        no shape then, and nothing worse.
        """
        return message[-1:].isdigit()


def _ends_with_number(message: bytes) -> bool:
    return message[message.rfind(b" ") + 1 :].isdigit()
