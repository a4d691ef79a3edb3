"""The broker as the collector sees it: there when needed, afresh after a failure."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future

import pika
from pika.exceptions import AMQPError

from esnet_collector.confirms import PublishFailed
from esnet_collector.messages import Message
from esnet_collector.metrics import NAME, Metrics
from esnet_collector.outbox import Outbox
from esnet_collector.reasons import explain
from esnet_collector.session import Session
from esnet_collector.settings import Settings
from esnet_collector.topology import Topology
from servicekit import Health

log = logging.getLogger(__name__)

PART = "rabbitmq"


class Broker:
    """Publishes batches; ``close`` it after a failure, the next batch connects anew.

    So it does by itself when the connection was lost with nothing under way.
    """

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._session: Session | None = None
        silence_pika()

    def publish(self, messages: Sequence[Message]) -> Future[None]:
        """Send a batch; the result tells when the broker has all of it.

        Raises PublishFailed when there is no connection to be had.
        """
        if self._session is None or self._session.has_ended:
            self.close()
            self._session = self._connect()
        return self._session.publish(messages)

    def close(self) -> None:
        """End the connection if there is one."""
        if self._session:
            self._session.close()
        self._session = None
        self._note_blocked(None)

    def _connect(self) -> Session:
        settings = self._settings
        parameters = connection_parameters(settings)
        try:
            Topology.of(settings).declare(parameters)
        except (AMQPError, OSError) as error:
            raise PublishFailed(
                f"rabbitmq {settings.rmq_host}:{settings.rmq_port}: {explain(error)}"
            ) from error
        session = Session(
            parameters,
            settings.rmq_exchange,
            Outbox(settings.rmq_exchange, self._metrics),
            settings.rmq_timeout_seconds,
            self._note_blocked,
        )
        session.open()
        log.info("connected to broker host=%s", settings.rmq_host)
        return session

    def _note_blocked(self, reason: str | None) -> None:
        self._metrics.blocked.set(reason is not None)
        if reason is None:
            self._health.up(PART)
        else:
            # Whoever reads the line and asks /healthz then is told the same.
            self._health.down(PART, f"takes no messages: {reason}")
            log.warning("broker takes no messages reason=%s", reason)


def silence_pika() -> None:
    """Keep pika's own lines out of the log: several a failure, where ours is one."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def connection_parameters(settings: Settings) -> pika.ConnectionParameters:
    """Return where and how to connect, with a time-out on everything."""
    timeout = settings.rmq_timeout_seconds
    return pika.ConnectionParameters(
        host=settings.rmq_host,
        port=settings.rmq_port,
        virtual_host=settings.rmq_vhost,
        credentials=pika.PlainCredentials(settings.rmq_user, settings.rmq_pass),
        socket_timeout=timeout,
        stack_timeout=timeout,
        heartbeat=30,
        client_properties={"connection_name": NAME},
    )
