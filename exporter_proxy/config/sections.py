"""The sections of the configuration file: every key, its default and its meaning."""

import grp
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exporter_proxy.config import values
from exporter_proxy.config.values import Address, Lifetime, Network
from servicekit import parsers, setting

_MAX_BYTES = 2**30
_MAX_SECONDS = 10**9


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """``[exporter]``: the HTTP side, and how many clients may be connected at once."""

    scrape_expose_endpoint: Address = setting(
        "0.0.0.0:6555",
        help="where everything is served over HTTP",
        parse=values.address,
    )
    concurrent_requests: int = setting(
        "2048",
        help="most connections open to the receivers at once, and as many to HTTP",
        parse=parsers.integer(1, 1_000_000),
    )
    tls: bool = setting(
        "false", help="whether HTTP is served over TLS", parse=parsers.boolean
    )


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """``[receiver]``: the sockets that applications push to."""

    format: str = setting(
        "any",
        help="what may be pushed: json, capnp or any of them",
        parse=parsers.choice("any", "json", "capnp"),
    )
    receive_on_tcp_socket: bool = setting(
        "true", help="whether to listen on the TCP socket", parse=parsers.boolean
    )
    receiver_tcp_socket: Address = setting(
        "127.0.0.1:6554", help="the TCP socket", parse=values.address
    )
    receive_on_unix_socket: bool = setting(
        "false", help="whether to listen on the Unix socket", parse=parsers.boolean
    )
    receiver_unix_socket: Path = setting(
        "/var/run/exporter-proxy-receiver.sock",
        help="the Unix socket's path",
        parse=Path,
    )
    unix_socket_user: int = setting(
        "current_user",
        help="who owns it: current_user, a name or a number",
        parse=values.owner(pwd.getpwnam, "current_user"),
    )
    unix_socket_group: int = setting(
        "current_group",
        help="whose members may push there too: current_group, a name or a number",
        parse=values.owner(grp.getgrnam, "current_group"),
    )
    unix_socket_mode: int = setting(
        "0660", help="its permissions, in octal", parse=values.file_mode
    )
    max_message_bytes: int = setting(
        "16777216",
        help="largest message, refused before it is read when it says its size",
        parse=parsers.integer(1, _MAX_BYTES),
    )
    idle_timeout: float = setting(
        "300",
        help="seconds of silence after which a connection is closed",
        parse=parsers.seconds(0.1),
    )
    message_timeout: float = setting(
        "60",
        help="seconds that a message may take from its first byte to its last",
        parse=parsers.seconds(0.1),
    )
    acknowledge: bool = setting(
        "false",
        help="whether each message is answered with a line: ok or refused, and why",
        parse=parsers.boolean,
    )
    allow: tuple[Network, ...] = setting(
        "0.0.0.0/0 ::/0",
        help="list of networks that may push to the TCP socket",
        parse=values.networks,
    )
    tls: bool = setting(
        "false", help="whether the TCP socket is served over TLS", parse=parsers.boolean
    )
    require_client_certificate: bool = setting(
        "false",
        help="whether a client of the TCP socket must show a certificate",
        parse=parsers.boolean,
    )


@dataclass(frozen=True, kw_only=True)
class PollExternal:
    """``[poll_external]``: other exporters whose metrics are fetched."""

    poll_other_scrape_endpoints: bool = setting(
        "true", help="whether to poll", parse=parsers.boolean
    )
    other_scrape_endpoints: tuple[str, ...] = setting(
        "",
        help="list of URLs to poll, each of them a target of its own",
        secret=True,
        parse=values.endpoints,
    )
    allow_invalid_certs: bool = setting(
        "false",
        help="whether to trust https targets without a valid certificate",
        parse=parsers.boolean,
    )
    poll_interval: float = setting(
        "5", help="seconds between two polls of a target", parse=parsers.seconds(0.1)
    )
    client_timeout: float = setting(
        "2",
        help="seconds a target may take to answer in full",
        parse=parsers.seconds(0.1),
    )
    max_body_bytes: int = setting(
        "16777216",
        help="largest answer, uncompressed",
        parse=parsers.integer(1, _MAX_BYTES),
    )
    ttl: Lifetime = setting(
        "300",
        help="how long a target's last data stays: as applications.ttl",
        parse=values.lifetime,
    )


@dataclass(frozen=True, kw_only=True)
class Target:
    """``[[poll_external.target]]``: a target with settings of its own."""

    url: str = setting(
        help="what to poll, beside other_scrape_endpoints",
        secret=True,
        parse=values.endpoint,
    )
    poll_interval: float | None = setting(
        help="instead of poll_external.poll_interval",
        parse=parsers.seconds(0.1),
        optional=True,
    )
    client_timeout: float | None = setting(
        help="instead of poll_external.client_timeout",
        parse=parsers.seconds(0.1),
        optional=True,
    )
    allow_invalid_certs: bool | None = setting(
        help="instead of poll_external.allow_invalid_certs",
        parse=parsers.boolean,
        optional=True,
    )


@dataclass(frozen=True, kw_only=True)
class Exposition:
    """``[exposition]``: how the applications' metrics become one page."""

    type_conflict: str = setting(
        "first",
        help="a family sent with another type than before is served under the first "
        "one's type (first), all of it as untyped (untyped), or left out (leave_out)",
        parse=parsers.choice("first", "untyped", "leave_out"),
    )
    duplicate_series: str = setting(
        "first",
        help="of a series that several applications send, what is served: "
        "first, last, sum, max, min or avg",
        parse=parsers.choice("first", "last", "sum", "max", "min", "avg"),
    )
    app_label: str = setting(
        "never",
        help="when a series gets the label app with its application's name: "
        "never, collision or always",
        parse=parsers.choice("never", "collision", "always"),
    )
    timestamps: str = setting(
        "strip",
        help="what becomes of timestamps: strip, keep or reject (the body)",
        parse=parsers.choice("strip", "keep", "reject"),
    )


@dataclass(frozen=True, kw_only=True)
class Applications:
    """``[applications]``: what holds for every application."""

    ttl: Lifetime = setting(
        "never",
        help="how long an application's last data is served: never (for ever), "
        "seconds, or a number of its own push intervals such as 5x",
        parse=values.lifetime,
    )
    grace: float = setting(
        "3600",
        help="seconds that /apps still shows an application as stale after that",
        parse=parsers.seconds(0, _MAX_SECONDS),
    )
    bad_lines: str = setting(
        "refuse",
        help="a body with a bad line is refused whole (refuse), or taken without it "
        "(drop) if any line is good",
        parse=parsers.choice("refuse", "drop"),
    )
    max_applications: int = setting(
        "10000", help="most applications known", parse=parsers.integer(1, 1_000_000)
    )
    max_bytes: int = setting(
        "16777216", help="largest body", parse=parsers.integer(1, _MAX_BYTES)
    )
    max_series: int = setting(
        "100000",
        help="most series of an application",
        parse=parsers.integer(1, 10_000_000),
    )
    max_labels: int = setting(
        "64", help="most labels of a series", parse=parsers.integer(0, 10_000)
    )
    max_label_bytes: int = setting(
        "4096",
        help="longest name and longest value of a label",
        parse=parsers.integer(1, _MAX_BYTES),
    )


@dataclass(frozen=True, kw_only=True)
class Application:
    """``[[application]]``: what holds for those whose name matches a pattern."""

    name: str = setting(help="name or pattern with * and ?", parse=str)
    ttl: Lifetime | None = setting(
        help="instead of applications.ttl", parse=values.lifetime, optional=True
    )
    bad_lines: str | None = setting(
        help="instead of applications.bad_lines",
        parse=parsers.choice("refuse", "drop"),
        optional=True,
    )
    max_bytes: int | None = setting(
        help="instead of applications.max_bytes",
        parse=parsers.integer(1, _MAX_BYTES),
        optional=True,
    )
    max_series: int | None = setting(
        help="instead of applications.max_series",
        parse=parsers.integer(1, 10_000_000),
        optional=True,
    )
    user_ids: tuple[int, ...] | None = setting(
        help="list of numbers of the users that may push it, and only by Unix socket",
        parse=values.user_ids,
        optional=True,
    )

    @property
    def matches(self) -> Callable[[str], bool]:
        """Whether an application's name is meant."""
        return values.pattern(self.name)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """``[tls]``: the certificate of HTTP and of the TCP socket."""

    certificate: Path | None = setting(
        help="file with the certificate and those that vouch for it, in PEM",
        parse=Path,
        optional=True,
    )
    key: Path | None = setting(help="file with its key", parse=Path, optional=True)
    client_ca: Path | None = setting(
        help="file with the certificates that vouch for clients'",
        parse=Path,
        optional=True,
    )


@dataclass(frozen=True, kw_only=True)
class Access:
    """``[access.push]``, ``[access.scrape]``, ``[access.admin]``: who may, by HTTP.

    A client must be in an allowed network, show a certificate where one is required,
    and where users or tokens are given know one of them.
    """

    allow: tuple[Network, ...] = setting(
        "0.0.0.0/0 ::/0", help="list of networks", parse=values.networks
    )
    users: tuple[str, ...] = setting(
        "",
        help="list of user:password for basic authentication",
        secret=True,
        parse=values.users,
    )
    tokens: tuple[str, ...] = setting(
        "", help="list of bearer tokens", secret=True, parse=values.words
    )
    require_client_certificate: bool = setting(
        "false",
        help="whether a client must show a certificate",
        parse=parsers.boolean,
    )


@dataclass(frozen=True, kw_only=True)
class LocalAccess(Access):
    """The same, from this machine only unless the file says otherwise."""

    allow: tuple[Network, ...] = setting(
        "127.0.0.0/8 ::1", help="list of networks", parse=values.networks
    )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """``[snapshot]``: what is kept on disk, for the next start."""

    path: Path | None = setting(
        help="the file; without one nothing is kept", parse=Path, optional=True
    )
    interval: float = setting(
        "60", help="seconds between two snapshots", parse=parsers.seconds(0.1)
    )


@dataclass(frozen=True, kw_only=True)
class Store:
    """``[store]``: where applications' data is, for one proxy or for several."""

    kind: str = setting(
        "memory",
        help="memory, or redis to share it with other proxies",
        parse=parsers.choice("memory", "redis"),
    )
    redis_url: str = setting(
        "redis://localhost:6379/0",
        help="the Redis server and database",
        secret=True,
        parse=values.redis_url,
    )
    key_prefix: str = setting(
        "exporter_proxy",
        help="how the names of its keys start; the proxies that share have the same",
        parse=str,
    )
    timeout: float = setting(
        "2", help="seconds Redis may take to answer", parse=parsers.seconds(0.1)
    )
