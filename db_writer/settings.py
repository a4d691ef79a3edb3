"""Settings of db_writer."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from servicekit import CommonSettings, SettingsError, parsers, setting
from sites.config import Config


def _postgresql_uri(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("a URI starting with postgresql://")
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:  # its words may hold the password
        raise ValueError("postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    return text


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Where the results come from, where they go, and in which portions."""

    config: Path = setting(
        "/app/config.yaml",
        help="file that names the servers and the topic",
        parse=Path,
        flags=("-c", "--config"),
    )
    postgresql_uri: str | None = setting(
        help="PostgreSQL database, in place of postgresql_uri in the file",
        parse=_postgresql_uri,
        optional=True,
        secret=True,
    )
    consumer_group: str = setting(
        "db_writer", help="Kafka consumer group: its members share the work"
    )
    dead_letter_topic: str | None = setting(
        help="topic for bad messages, not the results' topic with -dead-letters",
        optional=True,
    )
    batch_rows: int = setting(
        "1000",
        help="most rows written in one transaction",
        parse=parsers.integer(1, 10_000),
    )
    metrics_port: int = setting(
        "9105", help="port of /metrics and /healthz", parse=parsers.port
    )

    def database(self, config: Config) -> str:
        """Return the URI of the database: the setting's, else the file's.

        Raises SettingsError when neither names one.
        """
        if self.postgresql_uri:
            return self.postgresql_uri
        place = f"{self.config}: postgresql_uri"
        if not config.postgresql_uri:
            raise SettingsError([f"{place}: required, or set POSTGRESQL_URI"])
        try:
            return _postgresql_uri(config.postgresql_uri)
        except ValueError as error:
            raise SettingsError([f"{place}: expected {error}"]) from None

    def bad_message_topic(self, config: Config) -> str:
        """Return the topic that bad messages go to."""
        return self.dead_letter_topic or f"{config.kafka.topic}-dead-letters"
