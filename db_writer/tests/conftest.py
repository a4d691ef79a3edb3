"""Real servers for the tests: a database and topics of their own, gone afterwards."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from db_writer.tests.helpers import Program, Topic, write_config

type Start = Callable[..., Program]


@pytest.fixture
def database() -> Iterator[str]:
    """Yield the URI of a new database."""
    name = f"db_writer_test_{uuid4().hex}"
    server = f"postgresql://postgres:{os.environ['POSTGRES_PASSWORD']}@postgres:5432"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{server}/{name}"
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture
def topic() -> Iterator[Topic]:
    """Yield a new topic."""
    made = Topic(f"db_writer-test-{uuid4().hex}")
    made.make()
    yield made
    made.remove()


@pytest.fixture
def start(tmp_path: Path, database: str, topic: Topic) -> Iterator[Start]:
    """Yield a function that starts a db_writer, with settings if any."""
    programs: list[Program] = []
    file = write_config(tmp_path / "config.yaml", topic)

    def start_one(**environment: str) -> Program:
        standard = {"CONFIG": str(file), "POSTGRESQL_URI": database}
        standard["CONSUMER_GROUP"] = topic.name
        program = Program(tmp_path, {**standard, **environment})
        programs.append(program)
        return program

    yield start_one
    for program in programs:
        program.process.kill()
        program.process.wait()
