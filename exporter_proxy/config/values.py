"""Texts of the configuration file to values. Each parser says what it expected."""

import fnmatch
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from servicekit import parsers

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(text: str) -> Address:
    """Return host and port of ``host:port`` or ``[IPv6]:port``."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.netloc != text or "@" in text:
        raise ValueError("host:port, the port 1-65535")
    return Address(host, port)


def endpoints(text: str) -> tuple[str, ...]:
    """Return URLs separated by blanks, each once, in order."""
    urls = tuple(dict.fromkeys(text.split()))
    for number, url in enumerate(urls, start=1):
        try:
            parsers.url("http", "https")(url)
        except ValueError as error:
            raise ValueError(f"{error} as entry {number}") from None
    return urls


def endpoint(text: str) -> str:
    """Return one URL, as it was written."""
    parsers.url("http", "https")(text)
    return text


def redis_url(text: str) -> str:
    """Return the URL of a Redis server, by TCP, TLS or Unix socket."""
    if urlsplit(text).scheme == "unix":
        if not urlsplit(text).path:
            raise ValueError("a path after unix://")
        return text
    return parsers.url("redis", "rediss", "unix")(text)


def owner(database: Callable[[str], Any], current: str) -> Callable[[str], int]:
    """Return a parser of user or group names; -1 stands for leaving it as it is."""

    def parse(text: str) -> int:
        if text == current:
            return -1
        if text.isascii() and text.isdigit():
            return int(text)
        try:
            return int(database(text)[2])
        except KeyError:
            raise ValueError(
                f"{current}, a name this system knows, or a number"
            ) from None

    return parse


def file_mode(text: str) -> int:
    """Return the permission bits that octal digits such as 0660 stand for."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise ValueError("octal permissions such as 0660")
    return mode


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list of addresses and CIDR blocks, one at least."""
    found = []
    for part in text.split():
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise ValueError(
                f"addresses or networks such as 10.0.0.0/8 ({error})"
            ) from None
    if not found:
        raise ValueError("at least one network; 0.0.0.0/0 and ::/0 are all")
    return tuple(found)


def words(text: str) -> tuple[str, ...]:
    """Return the entries of a list; none of them contains a blank."""
    return tuple(text.split())


def users(text: str) -> tuple[str, ...]:
    """Return the entries of a list of ``user:password``."""
    found = words(text)
    if not all(":" in entry for entry in found):
        raise ValueError("a list of user:password, without blanks")
    return found


def user_ids(text: str) -> tuple[int, ...]:
    """Return the user numbers of a list."""
    return tuple(parsers.integer(0, 2**32 - 2)(part) for part in text.split())


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an application's data counts: seconds, or a number of push intervals.

    Neither of them: for ever.
    """

    seconds: float | None = None
    intervals: float | None = None


def lifetime(text: str) -> Lifetime:
    """Return the lifetime that ``never``, ``300`` or ``5x`` stands for."""
    if text == "never":
        return Lifetime()
    try:
        if text.endswith("x"):
            return Lifetime(intervals=parsers.seconds(1.5, 1000)(text[:-1]))
        return Lifetime(seconds=parsers.seconds(0.1, 10**9)(text))
    except ValueError:
        raise ValueError(
            'never, seconds, or a number of push intervals such as "5x", at least 1.5x'
        ) from None


def pattern(text: str) -> Callable[[str], bool]:
    """Return whether names match a pattern with ``*``, ``?`` and ``[...]``."""
    return lambda name: fnmatch.fnmatchcase(name, text)
