"""Texts to values, for settings. Each raises ValueError saying what it expected."""

from collections.abc import Callable
from urllib.parse import urlsplit


def integer(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within both bounds."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > len(str(maximum)):
            raise ValueError(f"a whole number {minimum}-{maximum}")
        if not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number {minimum}-{maximum}")
        return int(text)

    return parse


def port(text: str) -> int:
    """Return a TCP or UDP port."""
    try:
        return integer(1, 65535)(text)
    except ValueError:
        raise ValueError("a port 1-65535") from None


def ports(text: str) -> tuple[int, ...]:
    """Return the ports of a list separated by commas or blanks, each once, in order."""
    try:
        found = tuple(
            dict.fromkeys(port(part) for part in text.replace(",", " ").split())
        )
    except ValueError:
        found = ()
    if not found:
        raise ValueError("a list of ports 1-65535")
    return found


def seconds(minimum: float = 0.001, maximum: float = 86_400) -> Callable[[str], float]:
    """Return a parser of durations in seconds within both bounds."""

    def parse(text: str) -> float:
        expected = f"seconds between {minimum:g} and {maximum:g}"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(expected) from None
        if not minimum <= value <= maximum:
            raise ValueError(expected)
        return value

    return parse


def boolean(text: str) -> bool:
    """Return whether the text says yes."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("yes or no")
    return words[text.lower()]


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser that takes one of the words, whatever the case."""

    def parse(text: str) -> str:
        for word in allowed:
            if text.lower() == word.lower():
                return word
        raise ValueError(f"one of {', '.join(allowed)}")

    return parse


def url(*schemes: str) -> Callable[[str], str]:
    """Return a parser of absolute URLs of these schemes, a closing slash removed."""

    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            well_formed = bool(parts.scheme in schemes and parts.hostname)
            _ = parts.port
        except ValueError:
            well_formed = False
        if not well_formed:
            beginnings = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"a URL starting with {beginnings}")
        return text.rstrip("/")

    return parse
