"""What is polled: the targets that the configuration names."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from exporter_proxy.config import Address, Config
from exporter_proxy.config.sections import Target as Own

log = logging.getLogger(__name__)

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One exporter to poll, known by its URL.

    url: what is asked; it may hold a login, and is shown to nobody.
    interval, timeout: seconds between two polls, and for one answer as a whole.
    verify: whether an https target must show a valid certificate.
    max_bytes: the largest answer, uncompressed.
    """

    url: str = field(repr=False)
    interval: float
    timeout: float
    verify: bool
    max_bytes: int

    @property
    def name(self) -> str:
        """The URL as people may see it: without user and password."""
        return shown(self.url)

    @property
    def source(self) -> str:
        """Where the target is, in the words of ``/apps``."""
        parts = urlsplit(self.url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        return f"external_poll: {Address(parts.hostname or '', port)}"


def shown(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def targets(config: Config) -> Mapping[str, Target]:
    """Return what is to be polled, by name.

    Of a URL that is named several times the last table counts, else its place in
    ``other_scrape_endpoints``.
    """
    if not config.poll_external.poll_other_scrape_endpoints:
        return {}
    found = {target.name: target for target in _of_list(config)}
    own: dict[str, Target] = {}
    for target in _of_tables(config):
        if target.name in own:
            log.warning("target named twice, its last table counts url=%s", target.name)
        own[target.name] = target
    return found | own


def _of_list(config: Config) -> Iterator[Target]:
    return (
        _target(config, Own(url=url, **_NOTHING))
        for url in config.poll_external.other_scrape_endpoints
    )


def _of_tables(config: Config) -> Iterator[Target]:
    return (_target(config, own) for own in config.poll_external_target)


_NOTHING = dict.fromkeys(("poll_interval", "client_timeout", "allow_invalid_certs"))


def _target(config: Config, own: Own) -> Target:
    general = config.poll_external
    allow_invalid = own.allow_invalid_certs
    if allow_invalid is None:
        allow_invalid = general.allow_invalid_certs
    return Target(
        own.url,
        own.poll_interval or general.poll_interval,
        own.client_timeout or general.client_timeout,
        verify=not allow_invalid,
        max_bytes=general.max_body_bytes,
    )
