"""host_exporter with the real MySQL."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pymysql
import pytest
from prometheus_client import CollectorRegistry
from pymysql.connections import Connection

from host_exporter.exporter import Exporter
from host_exporter.settings import Settings
from servicekit import Health, Stop
from servicekit.settings import load

pytestmark = pytest.mark.integration


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def root() -> Iterator[Connection]:
    with closing(
        pymysql.connect(
            host="mysql",
            user="root",
            password=os.environ["MYSQL_ROOT_PASSWORD"],
            autocommit=True,
        )
    ) as connection:
        yield connection


class Database:
    """A database of a test's own, with a user who may read its one table."""

    def __init__(self, root: Connection) -> None:
        self.name = f"host_exporter_test_{secrets.token_hex(4)}"
        self._root = root

    def execute(self, statement: str) -> tuple[tuple[object, ...], ...]:
        with self._root.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def settings(self) -> Settings:
        return load(
            Settings,
            {
                "MYSQL_HOST": "mysql",
                "MYSQL_USER": self.name,
                "MYSQL_PASSWORD": self.name,
                "MYSQL_DB": self.name,
                "QUERY_INTERVAL_SECONDS": "0.1",
            },
        )

    def insert(self, *hosts: str) -> None:
        values = ", ".join(f"(NOW(6), '{host}', 80)" for host in hosts)
        self.execute(f"INSERT INTO {self.name}.connections VALUES {values}")

    def kill_sessions(self) -> int:
        sessions = self.execute(
            f"SELECT id FROM information_schema.processlist WHERE user = '{self.name}'"
        )
        for (session,) in sessions:
            self.execute(f"KILL {session}")
        return len(sessions)


@pytest.fixture
def database(root: Connection) -> Iterator[Database]:
    database = Database(root)
    name = database.name
    try:
        database.execute(f"CREATE DATABASE {name}")
        database.execute(
            f"CREATE TABLE {name}.connections"
            " (time DATETIME(6), host VARCHAR(255), port SMALLINT UNSIGNED)"
        )
        database.execute(f"CREATE USER {name} IDENTIFIED BY '{name}'")
        database.execute(f"GRANT SELECT ON {name}.connections TO {name}")
        yield database
    finally:
        database.execute(f"DROP DATABASE IF EXISTS {name}")
        database.execute(f"DROP USER IF EXISTS {name}")


class Running:
    """An exporter at work, as a scrape sees it."""

    def __init__(self, settings: Settings) -> None:
        self.registry, self.health, self.stop = CollectorRegistry(), Health(), Stop()
        exporter = Exporter(settings, self.registry, self.health, self.stop)
        self.thread = threading.Thread(target=exporter.run)

    def counts(self) -> dict[str, float]:
        (family,) = (
            family
            for family in self.registry.collect()
            if family.name == "mysql_connections_by_host"
        )
        return {sample.labels["host"]: sample.value for sample in family.samples}

    def cycles(self, outcome: str) -> float:
        name = "host_exporter_cycles_total"
        return self.registry.get_sample_value(name, {"outcome": outcome}) or 0


@pytest.fixture
def running(database: Database) -> Iterator[Running]:
    running = Running(database.settings())
    running.thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        running.thread.join()


def test_new_rows_are_counted_and_vanished_hosts_vanish(
    running: Running, database: Database
):
    wait_until(lambda: running.health.problems() == {})
    assert running.counts() == {}
    database.insert("10.0.0.2", "fd00::2", "fd00::2")
    wait_until(lambda: running.counts() == {"10.0.0.2": 1, "fd00::2": 2})
    database.execute(f"DELETE FROM {database.name}.connections WHERE host = 'fd00::2'")
    wait_until(lambda: running.counts() == {"10.0.0.2": 1})
    assert running.cycles("error") == 0


def test_a_lost_connection_is_replaced(running: Running, database: Database):
    database.insert("10.0.0.2")
    wait_until(lambda: running.counts() == {"10.0.0.2": 1})
    assert database.kill_sessions() == 1
    wait_until(lambda: running.cycles("error") == 1)
    database.insert("10.0.0.3")
    wait_until(lambda: running.counts() == {"10.0.0.2": 1, "10.0.0.3": 1})
    assert running.health.problems() == {}


def test_while_queries_fail_the_last_counts_stay_and_health_tells(
    running: Running, database: Database
):
    database.insert("10.0.0.2")
    wait_until(lambda: running.counts() == {"10.0.0.2": 1})
    table = f"{database.name}.connections"
    database.execute(f"RENAME TABLE {table} TO {table}_away")
    wait_until(lambda: "(1146, " in running.health.problems().get("mysql", ""))
    assert running.counts() == {"10.0.0.2": 1}
    database.execute(f"RENAME TABLE {table}_away TO {table}")
    wait_until(lambda: running.health.problems() == {})
