"""One connection to the broker, owned by a thread of its own.

A confirm awaited for each message carries some 500 persistent messages a second, a
window of hundreds in flight ten times as many: hence pika's SelectConnection, of which
only ``add_callback_threadsafe`` may be called from another thread.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import pika
from pika import spec
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.connection import Connection
from pika.delivery_mode import DeliveryMode
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from esnet_collector.confirms import PublishFailed
from esnet_collector.messages import Message
from esnet_collector.metrics import NAME
from esnet_collector.outbox import Outbox
from esnet_collector.reasons import explain

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2


class Session:
    """Sends what the outbox holds until the connection ends, and then ends the outbox.

    timeout_seconds: the longest silence of a broker that owes an answer; one that says
        it is blocked may take its time.
    on_blocked: told why the broker takes no messages, and None when it does again.
    """

    def __init__(
        self,
        parameters: pika.ConnectionParameters,
        exchange: str,
        outbox: Outbox,
        timeout_seconds: float,
        on_blocked: Callable[[str | None], None],
    ) -> None:
        self._parameters = parameters
        self._exchange = exchange
        self._outbox = outbox
        self._timeout_seconds = timeout_seconds
        self._on_blocked = on_blocked
        self._blocked = False
        self._opened: Future[None] = Future()
        self._loop = IOLoop()
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def open(self) -> None:
        """Connect. Raises PublishFailed."""
        self._thread.start()
        try:
            self._opened.result(self._timeout_seconds)
        except TimeoutError:
            self.close()
            raise PublishFailed("rabbitmq: no channel in time") from None

    def publish(self, messages: Sequence[Message]) -> Future[None]:
        """Send a batch; the result tells when the broker has all of it.

        Raises PublishFailed when the connection has ended; so does the result.
        """
        outcome = self._outbox.add(messages)
        self._loop.add_callback_threadsafe(self._send)
        return outcome

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be published any more."""
        return self._outbox.has_ended

    def close(self) -> None:
        """End the connection; what is not confirmed by then has failed."""
        self._loop.add_callback_threadsafe(self._shut)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    # Everything below runs in the session's own thread.

    def _run(self) -> None:
        try:
            self._connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_end,
                on_close_callback=self._on_end,
                custom_ioloop=self._loop,
            )
            self._loop.call_later(1, self._watch)
            self._loop.start()
        except Exception as error:
            log.exception("publisher thread failed")
            self._on_end(None, error)

    def _on_open(self, connection: Connection) -> None:
        connection.add_on_connection_blocked_callback(self._on_block)
        connection.add_on_connection_unblocked_callback(self._on_unblock)
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=self._on_ready)
        self._channel = channel

    def _on_ready(self, _frame: object) -> None:
        self._opened.set_result(None)

    def _send(self) -> None:
        if self._blocked or self._channel is None or not self._channel.is_open:
            return
        for message in self._outbox.take():
            properties = BasicProperties(
                app_id=NAME,
                content_type="application/json",
                delivery_mode=DeliveryMode.Persistent.value,
                message_id=message.id,
            )
            self._channel.basic_publish(
                self._exchange, message.key, message.body, properties, mandatory=True
            )

    def _on_confirm(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        method = frame.method
        self._outbox.settle(
            method.delivery_tag,
            multiple=method.multiple,
            acknowledged=isinstance(method, Basic.Ack),
        )
        self._send()

    def _on_return(
        self,
        _channel: Channel,
        _method: Basic.Return,
        properties: BasicProperties,
        _body: bytes,
    ) -> None:
        self._outbox.returned(properties.message_id or "")

    def _on_block(
        self, _connection: Connection, frame: Method[spec.Connection.Blocked]
    ) -> None:
        self._blocked = True
        self._on_blocked(frame.method.reason)

    def _on_unblock(
        self, _connection: Connection, _frame: Method[spec.Connection.Unblocked]
    ) -> None:
        self._blocked = False
        self._on_blocked(None)
        self._send()

    def _watch(self) -> None:
        """Give up on a broker that neither confirms nor says that it is blocked."""
        if not self._blocked and self._outbox.overdue_seconds() > self._timeout_seconds:
            self._on_end(None, TimeoutError("no confirmation in time"))
        else:
            self._loop.call_later(1, self._watch)

    def _shut(self) -> None:
        if self._connection and self._connection.is_open:
            self._connection.close()
        else:
            self._on_end(None, ConnectionAbortedError("closed before it was open"))

    def _on_channel_closed(self, _channel: Channel, error: Exception) -> None:
        """End: the broker closes a channel for what was asked on it."""
        if self._connection and self._connection.is_open:
            self._on_end(None, error)

    def _on_end(self, _connection: object, error: BaseException) -> None:
        failure = PublishFailed(f"rabbitmq: {explain(error)}")
        self._outbox.end(failure)
        if not self._opened.done():
            self._opened.set_exception(failure)
        self._loop.stop()
