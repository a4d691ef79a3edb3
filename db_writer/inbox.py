"""The topic of results: this writer's share of it, as a member of a consumer group."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaConfigurationError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from db_writer.settings import Settings
from servicekit import SettingsError
from sites.config import Kafka
from sites.kafka_client import NEWEST_KAFKA

log = logging.getLogger(__name__)

type Batch = Mapping[TopicPartition, list[ConsumerRecord]]

_TUNING = {
    "client_id": "db_writer",
    "api_version": NEWEST_KAFKA,
    "fetch_max_bytes": 10 * 1024 * 1024,
    "metadata_max_age_ms": 60_000,  # how soon new partitions are noticed
    "reconnect_backoff_max_ms": 5_000,
    "session_timeout_ms": 15_000,  # how soon others take over after a crash
    "heartbeat_interval_ms": 3_000,
    "max_poll_interval_ms": 300_000,
}
_TIMEOUT_MS = 5_000

# A rebalance took the partitions away: whoever has them now reads the messages again,
# and their rows are already there.
_NOT_OURS_ANY_MORE = (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


def problems(kafka: Kafka) -> Iterator[str]:
    """Yield what keeps Kafka from being used."""
    try:
        _connected(kafka, {"bootstrap_timeout_ms": _TIMEOUT_MS}).close()
    except KafkaError as error:
        yield f"kafka.connect: {error}"


class Inbox:
    """Takes messages in batches; what is not ``done`` comes again, here or elsewhere.

    A batch is written and done, or put back, before the next is taken. So nothing is
    in hand when a rebalance happens, which it only does while taking.
    """

    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        self._topic = kafka.topic
        self._servers = kafka.connect.get("bootstrap_servers", "localhost")
        self._shown: set[TopicPartition] = set()
        self._consumer = _connected(
            kafka,
            _TUNING,
            kafka.topic,
            group_id=settings.consumer_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=settings.batch_rows,
        )

    def take(self, timeout_seconds: float) -> Batch:
        """Return the messages there are, waiting a while for the first.

        Raises KafkaError.
        """
        batch: Batch = self._consumer.poll(timeout_ms=int(timeout_seconds * 1000))
        self._tell_assignment()
        return batch

    def done(self, batch: Batch) -> None:
        """Tell Kafka that these messages are dealt with. Raises KafkaError."""
        offsets = {
            partition: OffsetAndMetadata(records[-1].offset + 1, "", -1)
            for partition, records in batch.items()
        }
        try:
            self._consumer.commit(offsets, timeout_ms=_TIMEOUT_MS)
        except _NOT_OURS_ANY_MORE as error:
            log.info("offsets not committed, the group rebalances error=%s", error)

    def put_back(self, batch: Batch) -> None:
        """Have these messages come again."""
        mine = self._consumer.assignment()
        for partition, records in batch.items():
            if partition in mine:
                self._consumer.seek(partition, records[0].offset)

    def stay(self, seconds: float) -> None:
        """Wait as a member of the group, taking nothing. Raises KafkaError."""
        self._consumer.pause(*self._consumer.assignment())
        # Partitions that a rebalance brought just now are not paused.
        self.put_back(self.take(seconds))
        self._consumer.resume(*self._consumer.paused())

    def partitions(self) -> int:
        """Return how many partitions are this member's share."""
        return len(self._consumer.assignment())

    def lag(self) -> int:
        """Return how many messages of its share wait to be taken.

        Asks the broker, and so finds out whether there is one. Raises KafkaError.
        """
        mine = self._consumer.assignment()
        asked = mine or {TopicPartition(self._topic, 0)}
        try:
            ends = self._consumer.end_offsets(asked, timeout_ms=_TIMEOUT_MS)
        except KafkaTimeoutError as error:
            seconds = _TIMEOUT_MS // 1000
            raise KafkaTimeoutError(
                f"no answer from {self._servers} within {seconds} s"
            ) from error
        return sum(max(0, ends[one] - self._position(one, ends[one])) for one in mine)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._consumer.close(timeout_ms=_TIMEOUT_MS)

    def _position(self, partition: TopicPartition, otherwise: int) -> int:
        position = self._consumer.position(partition, timeout_ms=_TIMEOUT_MS)
        return otherwise if position is None else position

    def _tell_assignment(self) -> None:
        mine = self._consumer.assignment()
        if mine != self._shown:
            log.info("assigned topic=%s partitions=%s", self._topic, _numbers(mine))
            self._shown = mine


def _connected(
    kafka: Kafka,
    defaults: Mapping[str, object],
    *topics: str,
    **own: object,
) -> KafkaConsumer:
    """Return a client; the file's keywords win over the defaults, ours over both.

    Raises KafkaError when it connects at once and cannot, and SettingsError when the
    keywords make no sense.
    """
    try:
        return KafkaConsumer(*topics, **{**defaults, **kafka.connect, **own})
    except (KafkaConfigurationError, TypeError, ValueError) as error:
        raise SettingsError([f"kafka.connect: {error}"]) from error


def _numbers(partitions: Iterable[TopicPartition]) -> str:
    return ",".join(str(number) for number in sorted(p.partition for p in partitions))
