"""The configuration file ``config.toml``: its sections and keys, and how it is read."""

import grp
import logging
import pwd
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from servicekit import SettingsError, parsers, setting
from servicekit.settings import declared, load

log = logging.getLogger(__name__)

# Keys that files may have and that say nothing here.
OBSOLETE = ("exporter.worker_threads",)

_MAX_BYTES = 2**30


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


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """``[exporter]``: the HTTP side, and how many clients may push at once."""

    scrape_expose_endpoint: Address = setting(
        "0.0.0.0:6555",
        env="exporter.scrape_expose_endpoint",
        help="where /metrics and /apps are served",
        parse=address,
    )
    concurrent_requests: int = setting(
        "2048",
        env="exporter.concurrent_requests",
        help="most connections open to the receivers at once",
        parse=parsers.integer(1, 1_000_000),
    )


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """``[receiver]``: the sockets that applications push to."""

    format: str = setting(
        "any",
        env="receiver.format",
        help="what may be pushed: json, capnp or any of them",
        parse=parsers.choice("any", "json", "capnp"),
    )
    receive_on_tcp_socket: bool = setting(
        "true",
        env="receiver.receive_on_tcp_socket",
        help="whether to listen on the TCP socket",
        parse=parsers.boolean,
    )
    receiver_tcp_socket: Address = setting(
        "127.0.0.1:6554",
        env="receiver.receiver_tcp_socket",
        help="the TCP socket; whoever reaches it may push",
        parse=address,
    )
    receive_on_unix_socket: bool = setting(
        "false",
        env="receiver.receive_on_unix_socket",
        help="whether to listen on the Unix socket",
        parse=parsers.boolean,
    )
    receiver_unix_socket: Path = setting(
        "/var/run/exporter-proxy-receiver.sock",
        env="receiver.receiver_unix_socket",
        help="the Unix socket's path",
        parse=Path,
    )
    unix_socket_user: int = setting(
        "current_user",
        env="receiver.unix_socket_user",
        help="who owns the Unix socket: current_user, a name or a number",
        parse=owner(pwd.getpwnam, "current_user"),
    )
    unix_socket_group: int = setting(
        "current_group",
        env="receiver.unix_socket_group",
        help="whose members may push there: current_group, a name or a number",
        parse=owner(grp.getgrnam, "current_group"),
    )
    max_message_bytes: int = setting(
        "16777216",
        env="receiver.max_message_bytes",
        help="largest message, refused before it is read when it says its size",
        parse=parsers.integer(1, _MAX_BYTES),
    )
    idle_timeout: float = setting(
        "300",
        env="receiver.idle_timeout",
        help="seconds of silence after which a connection is closed",
        parse=parsers.seconds(0.1),
    )


@dataclass(frozen=True, kw_only=True)
class PollExternal:
    """``[poll_external]``: other exporters whose metrics are fetched."""

    poll_other_scrape_endpoints: bool = setting(
        "true",
        env="poll_external.poll_other_scrape_endpoints",
        help="whether to poll",
        parse=parsers.boolean,
    )
    other_scrape_endpoints: tuple[str, ...] = setting(
        "",
        env="poll_external.other_scrape_endpoints",
        help="list of URLs to poll",
        secret=True,
        parse=endpoints,
    )
    allow_invalid_certs: bool = setting(
        "false",
        env="poll_external.allow_invalid_certs",
        help="whether to trust https targets without a valid certificate",
        parse=parsers.boolean,
    )
    poll_interval: float = setting(
        "5",
        env="poll_external.poll_interval",
        help="seconds between two polls of a target",
        parse=parsers.seconds(0.1),
    )
    client_timeout: float = setting(
        "2",
        env="poll_external.client_timeout",
        help="seconds a target may take to answer in full",
        parse=parsers.seconds(0.1),
    )
    max_body_bytes: int = setting(
        "16777216",
        env="poll_external.max_body_bytes",
        help="largest answer, uncompressed",
        parse=parsers.integer(1, _MAX_BYTES),
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole file."""

    exporter: Exporter
    receiver: Receiver
    poll_external: PollExternal


def read(path: Path | None) -> Config:
    """Return what the file says, and the defaults for what it does not.

    Raises SettingsError with every problem of the file.
    """
    keys = dict(_flat(_table(path))) if path else {}
    for name in OBSOLETE:
        if keys.pop(name, None) is not None:
            log.warning("setting has no effect any more key=%s file=%s", name, path)
    config, problems = _sections(keys)
    if problems:
        raise SettingsError([f"{path}: {problem}" for problem in problems])
    return Config(**config)


def _sections(keys: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    sections = {
        "exporter": Exporter,
        "receiver": Receiver,
        "poll_external": PollExternal,
    }
    known = {details.env for kind in sections.values() for _, details in declared(kind)}
    problems = [f"{key}: no such key" for key in keys if key not in known]
    config: dict[str, Any] = {}
    for name, kind in sections.items():
        try:
            config[name] = load(kind, keys)
        except SettingsError as error:
            problems.extend(error.problems)
    return config, problems


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            [f"{path}: cannot read the configuration: {error}"]
        ) from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key with its value as text, as if it were an environment variable."""
    for key, value in table.items():
        match value:
            case dict():
                yield from _flat(value, f"{prefix}{key}.")
            case list():
                yield prefix + key, " ".join(map(str, value))
            case bool():
                yield prefix + key, str(value).lower()
            case _:
                yield prefix + key, str(value)
