"""Settings of the Netbeam simulator."""

from dataclasses import dataclass

from demo.netbeam.catalogue import Size
from servicekit import CommonSettings, parsers, setting


def _size(text: str) -> Size:
    return Size(parsers.choice(*Size)(text))


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Which network to simulate, and where to serve it."""

    netbeam_seed: str = setting(
        "belfry", help="any text; another seed makes another network and other values"
    )
    netbeam_size: Size = setting(
        "small",
        help="small (one interface of every kind) or real (10,000)",
        parse=_size,
    )
    netbeam_port: int = setting("8081", help="port of the API", parse=parsers.port)
