"""The servers that the configuration names: how to reach them, and whether one can."""

import socket
import uuid
from collections.abc import Iterator

import redis

from servicekit import SettingsError
from site_checker import topics
from site_checker.leases import Leases, connect
from site_checker.settings import Settings
from sites.config import Config


def leases(settings: Settings, config: Config) -> Leases:
    """Return this process's leases. Raises SettingsError when Redis is not named."""
    checker = f"{socket.gethostname()}-{uuid.uuid4()}"
    return Leases(
        _redis(settings, config), settings.redis_prefix, checker, config.checks
    )


def problems(settings: Settings, config: Config) -> Iterator[str]:
    """Yield a line for each server that cannot be used."""
    if not settings.once:
        try:
            _redis(settings, config).ping()
        except redis.RedisError as error:
            yield f"redis_uri: {error}"
    yield from topics.problems(config.kafka)


def _redis(settings: Settings, config: Config) -> redis.Redis:
    uri = settings.redis_uri or config.redis_uri
    if uri is None:
        raise SettingsError(
            [f"{settings.config}: redis_uri: required, or set REDIS_URI"]
        )
    try:
        return connect(uri)
    except ValueError as error:
        raise SettingsError([f"{settings.config}: redis_uri: {error}"]) from error
