"""The writer as a program, between a real Kafka and a real PostgreSQL."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from db_writer.store import Store
from db_writer.tests.helpers import Program, Topic, eventually, result, write_config
from sites.result import Reason, encode

ROOT = Path(__file__).parents[2]

type Start = Callable[..., Program]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def query(uri: str, text: str) -> list[dict[str, object]]:
    """Return the rows of a query; none while the tables are not there yet."""
    with psycopg.connect(uri, row_factory=dict_row) as connection:
        try:
            return connection.execute(text).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def events(uri: str, number: int | None = None) -> int:
    """Return how many results are stored, or how many of this number."""
    only = (
        f" WHERE event_id = '{result(number).event_id}'" if number is not None else ""
    )
    rows = query(uri, f"SELECT count(*) AS number FROM results{only}")
    return int(str(rows[0]["number"])) if rows else 0


def more_events(uri: str, number: int) -> bool:
    """Return whether so many results are stored, at least."""
    return events(uri) >= number


def test_exactly_what_was_sent_is_stored(start: Start, topic: Topic, database: str):
    down = result(
        1,
        reason=Reason.TIMEOUT,
        error="no answer within 10 s",
        response_code=None,
        response_length=None,
        response_time=10.0,
        regexp="wörld|世界",
    )
    topic.send(encode(result(0)), encode(down))
    start()
    eventually(lambda: events(database) == 2)
    rows = query(
        database,
        "SELECT url, regexp, expected_code, success, code, length, response_time,"
        " results.created, scheduled_at, reason, error, event_id,"
        " last_check = results.created AS newest"
        " FROM results JOIN checks USING (check_id) ORDER BY scheduled_at",
    )
    assert rows == [
        {
            "url": sent.url,
            "regexp": sent.regexp,
            "expected_code": sent.expected_code,
            "success": sent.success,
            "code": sent.response_code,
            "length": sent.response_length,
            "response_time": sent.response_time,
            "created": sent.created,
            "scheduled_at": sent.scheduled_at,
            "reason": sent.reason,
            "error": sent.error,
            "event_id": sent.event_id,
            "newest": True,
        }
        for sent in (result(0), down)
    ]


def test_duplicates_are_kept_out_and_bad_messages_set_aside(
    start: Start, topic: Topic, database: str
):
    good = [encode(result(number)) for number in range(5000)]
    bad = [
        b"not JSON",
        b"",
        b"{}",
        b'{"url": "https://half.exam',
        encode(result(0)).replace(b"site0", rb"site\u0000"),
        encode(result(0)).replace(b"0.25", b"1e999"),
        b"x" * 600_000,
    ]
    mixed = good + good[:1000]
    for number, message in enumerate(bad):
        mixed.insert(number * 700, message)
    topic.send(*mixed)

    program = start()
    eventually(lambda: topic.waiting(topic.name) == 0)
    assert events(database) == 5000
    assert len(query(database, "SELECT * FROM checks")) == 10

    letters = topic.letters()
    assert sorted(value for value, _ in letters) == sorted(one[: 2**19] for one in bad)
    for value, headers in letters:
        assert headers["topic"] == topic.name
        place = int(headers["offset"]) * 4 + int(headers["partition"])
        assert mixed[place][: 2**19] == value
        assert int(headers["bytes"]) == len(mixed[place])
        assert headers["fault"] == ("oversize" if value[:1] == b"x" else "malformed")
        assert headers["error"]
        age = datetime.now(UTC) - datetime.fromisoformat(headers["time"])
        assert 0 <= age.total_seconds() < 120

    rows = "db_writer_rows_total"
    assert program.metric(rows, outcome="new") == 5000
    assert program.metric(rows, outcome="duplicate") == 1000
    assert program.metric(rows, outcome="dead_letter") == len(bad)
    by_fault = "db_writer_dead_letters_total"
    assert program.metric(by_fault, fault="malformed") == len(bad) - 1
    assert program.metric(by_fault, fault="oversize") == 1
    assert program.problems() == {}
    assert program.stop() == 0
    assert "Traceback" not in program.log


def test_a_row_that_the_database_refuses_is_found_and_set_aside(
    start: Start, topic: Topic, database: str
):
    program = start()
    eventually(lambda: program.problems() == {})
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE results ADD CHECK (response_time < 100)")
    slow = result(500, response_time=101.0)
    messages = [encode(result(number)) for number in range(1000)]
    topic.send(*messages[:500], encode(slow), *messages[501:])
    eventually(lambda: events(database) == 999)
    [(value, headers)] = eventually(topic.letters)
    assert value == encode(slow)
    assert headers["fault"] == "refused"
    assert headers["error"].startswith("23514: ")
    assert program.stop() == 0


def test_each_event_is_there_once_after_kill_9(
    start: Start, topic: Topic, database: str
):
    topic.send(*(encode(result(number)) for number in range(40_000)))
    for target in (2_000, 10_000):
        program = start(BATCH_ROWS="200")
        eventually(partial(more_events, database, target), 60)
        program.process.kill()
        program.process.wait()
        assert events(database) < 40_000
    program = start()
    eventually(lambda: topic.waiting(topic.name) == 0, 90)
    assert events(database) == 40_000
    assert program.metric("db_writer_rows_total", outcome="dead_letter") == 0


def test_writers_share_the_work_and_take_over_from_each_other(
    start: Start, topic: Topic, database: str
):
    first = start()
    eventually(lambda: "partitions=0,1,2,3" in first.log)
    topic.send(*(encode(result(number)) for number in range(20_000)))
    second = start()
    eventually(lambda: "partitions=" in second.log and "partitions=" in first.log)
    topic.send(*(encode(result(number)) for number in range(20_000, 30_000)))
    eventually(lambda: topic.waiting(topic.name) == 0, 60)
    assert events(database) == 30_000
    assert first.stop() == 0
    # Sooner than after a crash, when the group waits for the session's end.
    eventually(lambda: second.log.rstrip().endswith("partitions=0,1,2,3"), 10)
    topic.send(*(encode(result(number)) for number in range(30_000, 31_000)))
    eventually(lambda: events(database) == 31_000)


@contextmanager
def container(
    name: str, image: str, environment: Mapping[str, object]
) -> Iterator[None]:
    """Run a container in this network while the block runs."""
    settings = [f"--env={setting}={value}" for setting, value in environment.items()]
    docker("run", "--detach", "--name", name, "--network", network(), *settings, image)
    try:
        yield
    finally:
        docker("rm", "--force", "--volumes", name)


@pytest.fixture
def own_postgres() -> Iterator[str]:
    """Yield the name of a new container with PostgreSQL."""
    name = f"db_writer-test-{uuid4().hex}"
    password = {"POSTGRES_PASSWORD": "throw-away"}
    with container(name, os.environ["POSTGRES_IMAGE"], password):
        yield name


@pytest.fixture
def own_kafka() -> Iterator[str]:
    """Yield the name of a new container with a Kafka like the stack's."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    standard = compose["services"]["kafka"]["environment"]
    name = f"db_writer-test-{uuid4().hex}"
    own = {"KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{name}:9092"}
    with container(name, os.environ["KAFKA_IMAGE"], standard | own):
        eventually(partial(listens, name, 9092), 60)
        yield name


def listens(host: str, port: int) -> bool:
    """Return whether the port takes connections."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def docker(*arguments: str) -> str:
    """Run a docker command and return its output."""
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True)
    return done.stdout.decode()


def network() -> str:
    """Return the network that this container and the servers are in."""
    [container] = json.loads(docker("inspect", os.uname().nodename))
    [name] = container["NetworkSettings"]["Networks"]
    return str(name)


def test_nothing_is_lost_when_the_database_crashes_and_comes_back(
    start: Start, topic: Topic, own_postgres: str
):
    uri = f"postgresql://postgres:throw-away@{own_postgres}:5432/postgres"
    program = start(POSTGRESQL_URI=uri, BATCH_ROWS="200")
    eventually(lambda: program.problems() == {}, 60)
    topic.send(*(encode(result(number)) for number in range(40_000)))
    eventually(lambda: events(uri) >= 1_000)

    docker("kill", own_postgres)
    eventually(lambda: "postgresql" in program.problems())
    assert program.metric("db_writer_paused") == 1
    eventually(lambda: "attempt=3" in program.log)

    docker("start", own_postgres)
    eventually(lambda: topic.waiting(topic.name) == 0, 90)
    assert events(uri) == 40_000
    assert program.problems() == {}
    assert program.metric("db_writer_paused") == 0
    assert program.stop() == 0
    assert "Traceback" not in program.log


def test_nothing_is_lost_when_kafka_crashes_and_comes_back(
    start: Start, database: str, own_kafka: str, tmp_path: Path
):
    topic = Topic("crashing", f"{own_kafka}:9092")
    topic.make()
    topic.send(*(encode(result(number)) for number in range(40_000)))
    config = write_config(tmp_path / "crashing.yaml", topic)
    program = start(CONFIG=str(config), BATCH_ROWS="200")
    eventually(partial(more_events, database, 1_000), 60)

    docker("kill", own_kafka)
    eventually(lambda: "kafka" in program.problems())

    docker("start", own_kafka)
    eventually(partial(more_events, database, 40_000), 90)
    eventually(lambda: program.problems() == {})
    assert events(database) == 40_000
    assert program.metric("db_writer_rows_total", outcome="dead_letter") == 0
    assert program.stop() == 0
    assert "Traceback" not in program.log


def test_a_database_that_is_away_is_waited_for(start: Start):
    nowhere = "postgresql://nobody:hunter2@nowhere.invalid:5432/none"
    program = start(POSTGRESQL_URI=nowhere)
    eventually(lambda: "nowhere.invalid" in program.problems().get("postgresql", ""))
    eventually(lambda: "attempt=2" in program.log)
    assert program.ask("--check").returncode == 1
    assert program.stop() == 0
    assert "hunter2" not in program.log
    assert "Traceback" not in program.log


def test_a_kafka_that_is_away_is_waited_for(start: Start, tmp_path: Path):
    config = write_config(tmp_path / "away.yaml", Topic("none", "nowhere.invalid:9092"))
    program = start(CONFIG=str(config))
    eventually(lambda: "no answer from nowhere" in program.problems().get("kafka", ""))
    eventually(lambda: "kafka failed attempt=2" in program.log)
    checked = program.ask("--check")
    assert checked.returncode == 1
    assert checked.stderr.startswith("kafka.connect: KafkaTimeoutError")
    assert program.stop() == 0
    assert "Traceback" not in program.log


def test_the_check_passes_where_the_program_works(start: Start):
    checked = start().ask("--check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "db_writer: all is well\n"


def test_the_statistics_tell_what_is_stored(start: Start, topic: Topic, database: str):
    now = datetime.now(UTC)
    good = result(1, created=now, scheduled_at=now)
    later = now + timedelta(seconds=1)
    bad = result(1, created=later, scheduled_at=later, reason=Reason.TIMEOUT)
    topic.send(encode(good), encode(bad), encode(result(2, regexp="a+")))
    program = start()
    eventually(lambda: events(database) == 3)
    told = program.ask("statistics")
    assert (told.returncode, told.stderr) == (0, "")
    headings, *lines = told.stdout.splitlines()
    assert headings.startswith("check  last result (UTC)")
    latest = f"{later:%Y-%m-%d %H:%M:%S}"
    assert sorted(re.sub(r"^\d+ +| (?= )", "", line) for line in lines) == [
        "2025-06-01 12:00:20 good 200 0.250 0 - https://site2.example/ matching 'a+'",
        f"{latest} timeout 200 0.250 2 50.0% https://site1.example/ answering 200",
    ]


def test_statistics_of_an_empty_database_say_so(start: Start):
    program = start()
    eventually(lambda: program.problems() == {})
    assert "(nothing is stored yet)" in program.ask("statistics").stdout


def test_last_check_never_goes_back(start: Start, topic: Topic, database: str):
    start()
    newest = "SELECT last_check FROM checks"
    for number in (20, 10, 30, 0):
        topic.send(encode(result(number)))
        eventually(partial(events, database, number))
    assert query(database, newest) == [{"last_check": result(30).created}]


def test_many_writers_may_make_the_tables_at_once(database: str):
    def connect(_number: int) -> None:
        store = Store(database)
        store.ping()
        store.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(connect, range(8)))
    assert query(database, "SELECT version FROM schema_versions") == [{"version": 1}]
