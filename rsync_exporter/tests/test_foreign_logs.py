"""What is no log of a daemon: it is seen to be none, and adds nothing."""

from pathlib import Path

from rsync_exporter.tests.records import REQUEST, SUMMARY, session
from rsync_exporter.tests.telling import lines, number_of_lines, of_the_daemon, told

DATA = Path(__file__).parent / "data"


def test_an_empty_log_says_nothing():
    assert of_the_daemon(told(b"")) == {}


def test_empty_lines_are_counted():
    samples = told(b"\n" * 1000)
    assert of_the_daemon(samples) == {}
    assert lines(samples, "unparsed") == 1000


def test_lines_of_another_system_are_not_taken_for_records():
    samples = told(session(REQUEST, SUMMARY).replace(b"\n", b"\r\n"))
    assert of_the_daemon(samples) == {}
    assert number_of_lines(samples) == 4
    assert lines(samples, "matched") == 0


def test_a_program_is_not_taken_for_a_log():
    program = Path("/bin/ls").read_bytes()
    samples = told(program)
    assert of_the_daemon(samples) == {}
    assert lines(samples, "unparsed") == program.count(b"\n")


def test_the_log_of_a_client_adds_nothing():
    log = (DATA / "client_log_file.log").read_bytes()
    samples = told(log)
    assert of_the_daemon(samples) == {}
    assert number_of_lines(samples) == log.count(b"\n")
    assert lines(samples, "matched") == 0
