import sys

import pytest

from benchmarks import sink
from benchmarks.connection import put
from benchmarks.failure import Failed
from benchmarks.load import repeat
from benchmarks.process import output_of, running


def test_what_a_command_prints():
    assert output_of(("echo", "all"), 10) == "all\n"


def test_command_that_fails_is_told_with_its_last_words():
    command = (sys.executable, "-c", "raise SystemExit('no such log')")
    with pytest.raises(Failed, match="ends with 1: no such log"):
        output_of(command, 10)


def test_command_that_takes_too_long():
    with pytest.raises(Failed, match=r"sleep takes more than 0\.1 s"):
        output_of(("sleep", "60"), 0.1)


def test_processor_time_is_of_the_server_and_not_of_the_clock():
    with running(sink.PROGRAM) as server:
        before = server.processor_seconds()
        assert server.processor_seconds() - before < 0.01
        repeat(server.port, [put("/", b"x" * 100_000)], 0.3)
        assert 0.01 < server.processor_seconds() - before < 2
