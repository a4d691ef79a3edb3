"""Chance that always falls the same way: numbers drawn from names."""

import hashlib
from collections.abc import Sequence

DRAW_BYTES = 8


def draw(*parts: str | int) -> int:
    """Return a number of 64 bits that belongs to these parts, the same for ever."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(
        hashlib.blake2b(text.encode(), digest_size=DRAW_BYTES).digest()
    )


def pick[T](choices: Sequence[T], *parts: str | int) -> T:
    """Return the choice that belongs to these parts."""
    return choices[draw(*parts) % len(choices)]
