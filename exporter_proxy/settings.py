"""Settings of exporter_proxy: the environment names the file that says the rest."""

from dataclasses import dataclass
from pathlib import Path

from servicekit import CommonSettings, setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What the environment and the command line say."""

    config: Path | None = setting(
        env="EXPORTER_PROXY_CONFIG",
        flags=("-c", "--config"),
        help="the configuration file; without one its defaults hold",
        parse=Path,
        optional=True,
    )
