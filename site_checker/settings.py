"""Settings of site_checker."""

from dataclasses import dataclass
from pathlib import Path

from servicekit import CommonSettings, parsers, setting


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError("an existing file")
    return Path(text)


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Where the configuration is, and how much is done at once."""

    config: Path = setting(
        "/app/config.yaml",
        help="file with the checks and the servers",
        parse=Path,
        flags=("-c", "--config"),
    )
    redis_uri: str | None = setting(
        help="Redis server, in place of redis_uri in the file",
        parse=parsers.url("redis", "rediss"),
        optional=True,
        secret=True,
    )
    redis_prefix: str = setting(
        "site_checker", help="how the names of all keys in Redis start"
    )
    once: bool = setting(
        "no",
        help="run every check once, then exit; Redis is not asked",
        parse=parsers.boolean,
        flags=("--once",),
    )
    checks_at_once: int = setting(
        "64",
        help="most checks running at the same time",
        parse=parsers.integer(1, 1000),
    )
    topic_partitions: int = setting(
        "4",
        help="partitions of the topic, when it has to be made",
        parse=parsers.integer(1, 10_000),
    )
    ca_bundle: Path | None = setting(
        help="certificate authorities that sites are checked with, not the usual ones",
        parse=_file,
        aliases=("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        optional=True,
    )
    metrics_port: int = setting(
        "9103", help="port of /metrics and /healthz", parse=parsers.port
    )
