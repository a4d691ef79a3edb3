"""Threads that report to one loop."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from site_checker.answer import examine
from site_checker.inbox import Inbox, Threads
from site_checker.prober import Prober
from site_checker.slots import Run
from site_checker.tests.website import Website
from sites.config import Check
from sites.result import Reason, Result


def run_until(inbox: Inbox, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        inbox.run(0.05)


def test_what_comes_of_an_action_is_told_in_the_thread_of_the_loop() -> None:
    inbox = Inbox()
    threads = Threads("test", 2, inbox)
    told: list[tuple[str, threading.Thread]] = []

    def then(future: Future[str]) -> None:
        told.append((future.result(), threading.current_thread()))

    threads.start(lambda: threading.current_thread().name, then)
    assert threads.free == 1
    run_until(inbox, lambda: bool(told))
    assert threads.free == 2
    [(name, thread)] = told
    assert name.startswith("test-")
    assert thread is threading.current_thread()


def test_an_error_is_raised_where_the_outcome_is_read() -> None:
    inbox = Inbox()
    threads = Threads("test", 1, inbox)
    outcomes: list[Future[float]] = []
    threads.start(lambda: 1 / 0, outcomes.append)
    threads.start(lambda: 1 / 2, outcomes.append)
    run_until(inbox, lambda: len(outcomes) == 2)
    with pytest.raises(ZeroDivisionError):
        outcomes[0].result()
    assert outcomes[1].result() == 0.5


def test_a_site_that_hangs_disturbs_no_other() -> None:
    site = Website({"/": (200, b"")})
    inbox = Inbox()
    workers = Threads("worker", 2, inbox)
    prober = Prober(ca_bundle=None)
    results: list[Result] = []

    def check(path: str) -> None:
        page = Check(url=site.url + path, timeout_seconds=2)
        workers.start(
            lambda: examine(prober.get, Run(page, 0)),
            lambda outcome: results.append(outcome.result()),
        )

    started = time.monotonic()
    check("/hold")
    for _ in range(20):
        check("/")
    run_until(inbox, lambda: len(results) == 20)
    assert time.monotonic() - started < 2
    assert {result.reason for result in results} == {Reason.OK}
    run_until(inbox, lambda: len(results) == 21)
    assert results[-1].reason is Reason.TIMEOUT
    site.close()
