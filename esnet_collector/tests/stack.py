"""Places of a test's own in the real servers, and what must come to them."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pika
import pymysql
from pymysql.cursors import DictCursor

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.series import points
from esnet_collector.streams import Kind

REPOSITORY = Path(__file__).parents[2]
SEED = "belfry"
NETWORK = interfaces(SEED, Size.SMALL)

# An hour of 23 measured interfaces by 3 types is 8,280 messages.
BACKFILL_SECONDS = 3600

type Fact = tuple[str, str, int]
type Values = tuple[float | None, float | None]


def eventually(
    holds: Callable[[], object], seconds: float = 30, what: str = "it"
) -> None:
    """Wait until something holds. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:g} s"
        time.sleep(0.05)


class Database:
    """A database with the table of mysql/init.sql, and a user with the rights to it."""

    def __init__(self) -> None:
        self.name = f"esnet_test_{uuid4().hex[:12]}"
        self.password = uuid4().hex
        self._root = pymysql.connect(
            host="mysql",
            user="root",
            password=os.environ["MYSQL_ROOT_PASSWORD"],
            autocommit=True,
        )

    def create(self) -> None:
        """Make database, table and user."""
        script = (REPOSITORY / "mysql/init.sql").read_text()
        table = re.search(r"CREATE TABLE[^;]+esnet\.esnet_interfaces[^;]+", script)
        assert table
        self.run(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4")
        self.run(table[0].replace("esnet.esnet_interfaces", self._table))
        self.run(f"CREATE USER {self.name}@'%%' IDENTIFIED BY %s", self.password)
        self.run(f"GRANT SELECT, INSERT, UPDATE ON {self._table} TO {self.name}@'%'")

    def drop(self) -> None:
        """Leave nothing behind."""
        self.run(f"DROP DATABASE IF EXISTS {self.name}")
        self.run(f"DROP USER IF EXISTS {self.name}@'%'")
        self._root.close()

    @property
    def _table(self) -> str:
        return f"{self.name}.esnet_interfaces"

    def run(self, statement: str, *values: object) -> list[dict[str, str]]:
        """Run a statement as root and return its rows."""
        with self._root.cursor(DictCursor) as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def rows(self, where: str = "1") -> list[dict[str, str]]:
        """Return the history, oldest first."""
        return self.run(f"SELECT * FROM {self._table} WHERE {where} ORDER BY id")

    def hold_cursors(self) -> None:
        """Make every move of a cursor last for minutes."""
        self.run(
            f"CREATE TRIGGER {self.name}.hold BEFORE UPDATE ON {self._table}"
            " FOR EACH ROW SET @held ="
            " IF(NEW.traffic_until <> OLD.traffic_until, SLEEP(300), 0)"
        )

    def is_holding_cursors(self) -> bool:
        """Return whether a move of cursors is waiting right now."""
        waiting = (
            "SELECT id FROM information_schema.processlist"
            " WHERE db = %s AND state = 'User sleep'"
        )
        return bool(self.run(waiting, self.name))

    def release_cursors(self) -> None:
        """End that, and whoever is caught in it."""
        self.kill_connections()
        self.run(f"DROP TRIGGER {self.name}.hold")

    def kill_connections(self) -> int:
        """End the collector's connections, as a restart would, and say how many."""
        # By database: in a trigger its user is the one who made that.
        users = self.run(
            "SELECT id FROM information_schema.processlist WHERE db = %s", self.name
        )
        for row in users:
            try:
                self.run(f"KILL {row['ID' if 'ID' in row else 'id']}")
            except pymysql.OperationalError:  # gone by itself
                continue
        return len(users)


@dataclass(frozen=True)
class Bus:
    """An exchange and a queue of a test's own, on the stack's broker or another one."""

    host: str
    name: str

    @classmethod
    def on(cls, host: str) -> "Bus":
        """Return names that nobody else uses."""
        return cls(host, f"esnet_test_{uuid4().hex[:12]}")

    @contextmanager
    def channel(self) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
        """Yield a channel for as long as the block runs."""
        credentials = pika.PlainCredentials("esnet", os.environ["RABBITMQ_PASSWORD"])
        parameters = pika.ConnectionParameters(self.host, credentials=credentials)
        with closing(pika.BlockingConnection(parameters)) as connection:
            yield connection.channel()

    def declare(self, *keys: str, **arguments: object) -> None:
        """Make exchange and queue as a consumer would, bound to these keys."""
        with self.channel() as channel:
            channel.exchange_declare(self.name, "topic", durable=True)
            dashed = {k.replace("_", "-"): v for k, v in arguments.items()}
            channel.queue_declare(self.name, durable=True, arguments=dashed)
            for key in keys:
                channel.queue_bind(self.name, self.name, key)

    def delete(self) -> None:
        """Leave nothing behind."""
        with self.channel() as channel:
            channel.queue_delete(self.name)
            channel.exchange_delete(self.name)

    def depth(self) -> int:
        """Return how many messages wait in the queue."""
        with self.channel() as channel:
            declared = channel.queue_declare(self.name, passive=True)
            return int(declared.method.message_count)

    def drain(self) -> "Delivered":
        """Take every message there is."""
        delivered = Delivered()
        with self.channel() as channel:
            for method, properties, body in channel.consume(
                self.name, auto_ack=True, inactivity_timeout=0.5
            ):
                if method is None or properties is None or body is None:
                    break
                delivered.add(method.routing_key or "", properties, json.loads(body))
            channel.cancel()
        return delivered


class Delivered:
    """What a consumer got: the last of the messages of each id, and how many came."""

    def __init__(self) -> None:
        self.interfaces: dict[str, dict[str, object]] = {}
        self.measurements: dict[str, dict[str, object]] = {}
        self.properties: list[pika.BasicProperties] = []
        self.count = 0

    def add(
        self, key: str, properties: pika.BasicProperties, body: dict[str, object]
    ) -> None:
        """Take one message; one that comes again must say the same."""
        self.count += 1
        self.properties.append(properties)
        assert properties.message_id
        kept = {
            "esnet_interfaces": self.interfaces,
            "esnet_traffic": self.measurements,
        }[key]
        assert kept.setdefault(properties.message_id, body) == body

    def merge(self, later: "Delivered") -> None:
        """Take what came later, too."""
        for mine, theirs in (
            (self.interfaces, later.interfaces),
            (self.measurements, later.measurements),
        ):
            for message_id, body in theirs.items():
                assert mine.setdefault(message_id, body) == body
        self.properties += later.properties
        self.count += later.count

    @property
    def repeated(self) -> int:
        """How many messages said what another one had said."""
        return self.count - len(self.interfaces) - len(self.measurements)

    def facts(self) -> dict[Fact, Values]:
        """Return the measurements by what they are about."""
        return {
            (str(m["name"]), str(m["recordType"]), int(str(m["timestamp"]))): (
                m["in"],  # type: ignore[misc] # the comparison checks it
                m["out"],
            )
            for m in self.measurements.values()
        }


def expected(rows: list[dict[str, str]], backfill_seconds: int) -> dict[Fact, Values]:
    """Return what must have been delivered, by the simulator's own reckoning.

    From half a minute at or before the backfill's begin up to each cursor.
    """
    known = {interface.resource: interface for interface in NETWORK}
    return {
        (row["name"], kind.value, point.time_ms): (point.inward, point.outward)
        for row in rows
        for kind in Kind
        for point in points(
            SEED,
            known[row["name"]],
            kind,
            (int(row["active_from"]) - backfill_seconds * 1000) // 30_000 * 30_000,
            int(row[f"{kind}_until"]),
        )
    }


def assert_complete(database: Database, delivered: Delivered) -> None:
    """Check that exactly what the cursors promise was delivered, value by value."""
    facts = expected(database.rows(), BACKFILL_SECONDS)
    assert len(facts) > 8000
    assert delivered.facts() == facts
