"""The interceptor with the real MySQL, the real tcpdump and its real image."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pymysql
import pytest
from prometheus_client import CollectorRegistry
from pymysql.connections import Connection as MysqlConnection

from interceptor.backlog import Backlog
from interceptor.connection import Connection
from interceptor.settings import Settings
from interceptor.table import Table
from interceptor.tests.tcp_proxy import TcpProxy
from interceptor.writer import Writer
from servicekit import Health, Stop
from servicekit.settings import load

pytestmark = pytest.mark.integration

INIT_SQL = Path(__file__).parents[2] / "mysql" / "init.sql"
SECONDS = 30


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def connections(count: int, host: str = "10.0.0.2") -> list[Connection]:
    now = datetime.now(UTC)
    return [Connection(now, host, port) for port in range(1, count + 1)]


class Database:
    """A database of a test's own, with the tables of init.sql and a user like ours."""

    def __init__(self, root: MysqlConnection) -> None:
        self.name = f"interceptor_test_{secrets.token_hex(4)}"
        self.password = secrets.token_hex(8)
        self._root = root

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with self._root.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def create(self) -> None:
        ours, named = "EXISTS interceptor", f"EXISTS {self.name}"
        for statement in INIT_SQL.read_text(encoding="utf-8").split(";\n"):
            if ours in statement:
                self.execute(statement.replace(ours, named))
        self.execute(f"CREATE USER {self.name} IDENTIFIED BY '{self.password}'")
        self.execute(f"GRANT INSERT ON {self.name}.connections TO {self.name}")
        self.execute(
            f"GRANT SELECT, INSERT, UPDATE ON {self.name}.captures TO {self.name}"
        )

    def drop(self) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {self.name}")
        self.execute(f"DROP USER IF EXISTS {self.name}")

    def environment(self) -> dict[str, str]:
        return {
            "MYSQL_HOST": "mysql",
            "MYSQL_USER": self.name,
            "MYSQL_PASSWORD": self.password,
            "MYSQL_DB": self.name,
            "MYSQL_RETRY_SECONDS": "0.2",
        }

    def settings(self, port: int) -> Settings:
        local = {"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": str(port)}
        return load(Settings, self.environment() | local)

    def rows(self) -> int:
        ((count,),) = self.execute(f"SELECT COUNT(*) FROM {self.name}.connections")
        assert isinstance(count, int)
        return count


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(
        pymysql.connect(
            host="mysql",
            user="root",
            password=os.environ["MYSQL_ROOT_PASSWORD"],
            autocommit=True,
        )
    ) as root:
        database = Database(root)
        try:
            database.create()
            yield database
        finally:
            database.drop()


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    with TcpProxy("mysql", 3306) as proxy:
        yield proxy


@pytest.fixture
def table(database: Database, proxy: TcpProxy) -> Iterator[Table]:
    with closing(Table(database.settings(proxy.port))) as table:
        yield table


def test_rows_arrive_as_they_were_captured(table: Table, database: Database):
    seen = datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC)
    table.write(
        1, [Connection(seen, "fd00::2", 80), Connection(seen, "10.0.0.2", 65535)]
    )
    rows = database.execute(f"SELECT time, host, port FROM {database.name}.connections")
    assert rows == [
        (seen.replace(tzinfo=None), "fd00::2", 80),
        (seen.replace(tzinfo=None), "10.0.0.2", 65535),
    ]


@pytest.mark.parametrize("replies", [0, 1, 2], ids=["claim", "insert", "commit"])
def test_a_batch_whose_answer_was_lost_is_written_once(
    table: Table, database: Database, proxy: TcpProxy, replies: int
):
    """Also when only the commit's answer was lost, and the rows are there already."""
    table.write(1, connections(10))
    proxy.lose_reply(after=replies)
    with pytest.raises(pymysql.OperationalError):
        table.write(2, connections(1000))
    assert database.rows() == (1010 if replies == 2 else 10)
    table.write(2, connections(1000))
    assert database.rows() == 1010
    table.write(3, connections(5))
    assert database.rows() == 1015


def test_a_rehearsal_leaves_nothing(table: Table, database: Database):
    table.rehearse()
    assert database.rows() == 0
    assert database.execute(f"SELECT * FROM {database.name}.captures") == []


def test_the_stacks_own_user_has_the_rights_it_needs_and_no_more():
    password = os.environ["INTERCEPTOR_MYSQL_PASSWORD"]
    settings = load(Settings, {"MYSQL_HOST": "mysql", "MYSQL_PASSWORD": password})
    Table(settings).rehearse()
    with closing(
        pymysql.connect(host="mysql", user="interceptor", password=password)
    ) as mysql:
        for statement in (
            "SELECT host FROM interceptor.connections LIMIT 1",
            "DELETE FROM interceptor.connections LIMIT 1",
            "SELECT * FROM esnet.esnet_interfaces LIMIT 1",
        ):
            with pytest.raises(pymysql.OperationalError, match="command denied"):
                mysql.cursor().execute(statement)


class Running:
    """A writer at work, fed by the test."""

    def __init__(self, settings: Settings, limit_rows: int = 100_000) -> None:
        self.backlog, self.health = Backlog(limit_rows), Health()
        self.writer = Writer(
            settings, self.backlog, CollectorRegistry(), self.health, Stop()
        )

    def capture(self, count: int, host: str = "10.0.0.2") -> None:
        for connection in connections(count, host):
            self.backlog.add(connection)

    def is_idle(self) -> bool:
        return self.backlog.counts().queued == 0


def test_nothing_is_lost_or_doubled_through_an_outage(
    database: Database, proxy: TcpProxy
):
    running = Running(database.settings(proxy.port))
    with running.writer:
        running.capture(300)
        wait_until(running.is_idle)
        for _ in range(3):
            proxy.cut()
            running.capture(2500)
            wait_until(lambda: "mysql" in running.health.problems())
            assert running.backlog.counts().queued >= 2500
            running.capture(500)
            proxy.mend()
            running.capture(500)  # while it reconnects
            wait_until(running.is_idle)
            assert running.health.problems() == {}
    counts = running.backlog.counts()
    assert counts.captured == counts.inserted == database.rows() == 300 + 3 * 3500


def test_a_connection_killed_by_the_server_is_replaced(
    database: Database, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    running = Running(database.settings(proxy.port))
    with running.writer:
        running.capture(1)
        wait_until(running.is_idle)
        ((session,),) = database.execute(
            "SELECT id FROM information_schema.processlist"
            f" WHERE user = '{database.name}'"
        )
        database.execute(f"KILL {session}")
        running.capture(5)
        wait_until(running.is_idle)
    assert database.rows() == 6
    messages = [record.message for record in caplog.records]
    assert messages.count("Succesfully connected to database") == 2


def test_beyond_the_bounded_queue_drops_are_counted(
    database: Database, proxy: TcpProxy
):
    running = Running(database.settings(proxy.port), limit_rows=100)
    proxy.cut()
    with running.writer:
        running.capture(130)
        proxy.mend()
        wait_until(running.is_idle)
    counts = running.backlog.counts()
    assert counts.dropped == {"queue_full": 30, "refused": 0, "stopped": 0}
    assert counts.inserted == database.rows() == 100


def test_what_a_person_mends_is_tried_again(database: Database, proxy: TcpProxy):
    database.execute(
        f"RENAME TABLE {database.name}.connections TO {database.name}.elsewhere"
    )
    running = Running(database.settings(proxy.port))
    with running.writer:
        running.capture(3)
        wait_until(lambda: "(1146, " in running.health.problems().get("mysql", ""))
        database.execute(
            f"RENAME TABLE {database.name}.elsewhere TO {database.name}.connections"
        )
        wait_until(running.is_idle)
    assert database.rows() == 3


def test_rows_that_the_server_refuses_do_not_hold_up_the_others(
    database: Database, proxy: TcpProxy
):
    database.execute(f"ALTER TABLE {database.name}.connections MODIFY host VARCHAR(9)")
    running = Running(database.settings(proxy.port))
    with running.writer:
        running.capture(3, host="fd5b:e1f7:1e5::7")
        wait_until(running.is_idle)
        running.capture(2, host="10.0.0.2")
        wait_until(running.is_idle)
    assert running.backlog.counts().dropped["refused"] == 3
    assert database.rows() == 2


def docker(*arguments: str, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        ["docker", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | (environment or {}),
    ).stdout


@pytest.fixture
def container(database: Database) -> Iterator[str]:
    """Run the image as Compose does; it visits closed ports of the MySQL server."""
    name = database.name
    environment = database.environment() | {
        "TRAFFIC_TARGETS": "http://mysql http://mysql:8080",
        "TRAFFIC_INTERVAL_SECONDS": "0.05",
        "HEARTBEAT_INSERTS": "5",
    }
    options = "--detach --network belfry_default --read-only --tmpfs /tmp"
    options += " --cap-drop ALL --cap-add NET_RAW --name"
    passed = [word for variable in environment for word in ("--env", variable)]
    docker(
        *("run", *options.split(), name, *passed, "belfry/interceptor"),
        environment=environment,
    )
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def logged(container: str) -> str:
    return docker("logs", container)


def test_connections_become_rows_and_the_log_tells(container: str, database: Database):
    def found() -> set[tuple[object, ...]]:
        hosts = f"SELECT DISTINCT host, port FROM {database.name}.connections"
        return set(database.execute(hosts))

    wait_until(lambda: len(found()) >= 4)
    assert {port for _, port in found()} == {80, 8080}
    assert len({":" in str(host) for host, _ in found()}) == 2  # IPv4 and IPv6
    wait_until(lambda: "Heartbeat" in logged(container))
    started = time.monotonic()
    docker("stop", container)
    assert time.monotonic() - started < 5
    state = docker("inspect", "--format", "{{.State.ExitCode}}", container)
    assert state.strip() == "0"
    for message in (
        "Succesfully connected to database",
        "tcmdump command running: tcpdump .*dst port 80 or dst port 8080",
        "Starting connections logging to database."
        " Will send heartbeats every 5 queries",
        "Heartbeat: 5 inserts succeeded",
    ):
        assert re.search(
            rf"^INFO @ \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} -> {message}",
            logged(container),
            re.MULTILINE,
        )
    rows = database.rows()
    summary = f"-> stopped captured={rows} inserted={rows} dropped=0"
    assert logged(container).splitlines()[-1].endswith(summary)


def test_a_killed_tcpdump_is_started_again(container: str, database: Database):
    kill = (
        "import os, pathlib\n"
        "for name in pathlib.Path('/proc').glob('[0-9]*/comm'):\n"
        "    if name.read_text() == 'tcpdump\\n': os.kill(int(name.parts[2]), 9)\n"
    )
    wait_until(lambda: database.rows() > 0)
    docker("exec", container, "python", "-c", kill)
    wait_until(lambda: logged(container).count("tcpdump listening on") == 2)
    assert "tcpdump ended reason=exit code -9" in logged(container)
    rows = database.rows()
    wait_until(lambda: database.rows() > rows)
