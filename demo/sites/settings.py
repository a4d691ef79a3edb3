"""Settings of the demo site."""

from dataclasses import dataclass

from servicekit import CommonSettings, parsers, setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Where to serve."""

    sites_ports: tuple[int, ...] = setting(
        "80,8080", help="ports of the site", parse=parsers.ports
    )
