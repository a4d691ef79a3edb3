"""The exchange and queue of messages: used as they are, made where missing."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker

from esnet_collector.settings import Settings

_NOT_FOUND = 404


@dataclass(frozen=True)
class Topology:
    """What must be there before a message can be routed.

    queue: bound to every key; None when consumers bring queues of their own.
    """

    exchange: str
    keys: tuple[str, ...]
    queue: str | None
    queue_max_length: int

    @classmethod
    def of(cls, settings: Settings) -> "Topology":
        """Return the topology that settings ask for."""
        return cls(
            exchange=settings.rmq_exchange,
            keys=(settings.rmq_interface_key, settings.rmq_traffic_key),
            queue=settings.rmq_queue,
            queue_max_length=settings.rmq_queue_max_length,
        )

    def declare(self, parameters: pika.ConnectionParameters) -> None:
        """Make what is missing, durable; an exchange of another type serves as well.

        Asking first keeps the right to configure unneeded where everything is there.
        Raises AMQPError or OSError.
        """
        with closing(BlockingConnection(parameters)) as connection:
            if not _there(connection, self._ask_exchange):
                connection.channel().exchange_declare(
                    self.exchange, "topic", durable=True
                )
            if self.queue:
                self._declare_queue(connection, self.queue)

    def _ask_exchange(self, channel: BlockingChannel) -> None:
        channel.exchange_declare(self.exchange, passive=True)

    def _declare_queue(self, connection: BlockingConnection, queue: str) -> None:
        if not _there(connection, lambda each: each.queue_declare(queue, passive=True)):
            connection.channel().queue_declare(
                queue,
                durable=True,
                arguments={
                    "x-queue-type": "classic",
                    "x-max-length": self.queue_max_length,
                    "x-overflow": "drop-head",
                },
            )
        for key in self.keys:
            connection.channel().queue_bind(queue, self.exchange, key)


def _there(
    connection: BlockingConnection, ask: Callable[[BlockingChannel], object]
) -> bool:
    """Return whether asking found something; the broker closes the channel if not."""
    try:
        ask(connection.channel())
    except ChannelClosedByBroker as error:
        if error.reply_code == _NOT_FOUND:
            return False
        raise
    return True
