"""The servers that the configuration names: how to reach them, and whether one can."""

import logging
import socket
import uuid
from collections.abc import Iterator

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from servicekit import SettingsError
from site_checker.leases import Leases, connect
from site_checker.settings import Settings
from sites.config import Config, Kafka

KAFKA_TIMEOUT_MS = 5_000


def quiet_kafka_log() -> None:
    """Keep the library's diary of connections out of the log, but not its errors."""
    logging.getLogger("kafka").setLevel(logging.ERROR)


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
    try:
        _list_topics(config.kafka)
    except (KafkaError, OSError) as error:
        yield f"kafka.connect: {error}"


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


def _list_topics(kafka: Kafka) -> None:
    connection = {"bootstrap_timeout_ms": KAFKA_TIMEOUT_MS} | kafka.connect
    admin = KafkaAdminClient(**connection)
    try:
        admin.list_topics()
    finally:
        admin.close()
