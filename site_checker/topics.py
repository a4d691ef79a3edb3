"""Kafka's topics: whether there is a Kafka, and making the topic of results."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)
from kafka.net.compat import KafkaNetClient

from servicekit import SettingsError
from sites.config import Kafka

log = logging.getLogger(__name__)

TIMEOUT_MS = 5_000


def make_topic(kafka: Kafka, partitions: int) -> None:
    """Make the topic, unless it is there; the cluster says how often it is replicated.

    Raises KafkaError or OSError when there is no Kafka, and SettingsError when
    the library cannot make sense of a value of ``kafka.connect``.
    """
    topic = NewTopic(kafka.topic, partitions, -1)
    with _administrator(kafka) as administrator:
        try:
            administrator.create_topics([topic], timeout_ms=TIMEOUT_MS)
        except TopicAlreadyExistsError:
            return
        except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
            log.warning("not allowed to make topics; expecting topic=%s", kafka.topic)


def problems(kafka: Kafka) -> Iterator[str]:
    """Yield what keeps Kafka from being used."""
    try:
        with _administrator(kafka) as administrator:
            administrator.list_topics()
    except (KafkaError, OSError) as error:
        yield f"kafka.connect: {error}"


@contextmanager
def _administrator(kafka: Kafka) -> Iterator[KafkaAdminClient]:
    """Yield a client for administration.

    The library leaves a thread behind with every one that cannot connect, unless its
    inner client, which only a factory gets to see, is closed.
    """
    with ExitStack() as stack:

        def inner_client(**options: object) -> KafkaNetClient:
            client = KafkaNetClient(**options)
            stack.callback(client.close)
            return client

        options = {"bootstrap_timeout_ms": TIMEOUT_MS} | kafka.connect
        try:
            administrator = KafkaAdminClient(**options, kafka_client=inner_client)
        except (AssertionError, TypeError, ValueError) as error:
            raise SettingsError([f"kafka.connect: {error}"]) from error
        yield administrator
