"""Calling a slow function for many things at once."""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future


def in_parallel[T, R](
    function: Callable[[T], R], items: Sequence[T], workers: int
) -> Generator[R]:
    """Yield ``function(item)`` for each item as it is done, in any order.

    Calls are made only a few ahead of the reader, so a slow reader slows them. An error
    of the function is raised. Closing the iterator ends it at once: the threads are
    daemons, and one still inside a call finishes it unheard. (A ThreadPoolExecutor
    would hold up the end of the process for as long as the slowest call.)
    """
    todo, turn = iter(items), threading.Lock()
    done: queue.Queue[Future[R] | None] = queue.Queue(maxsize=workers)
    closed = threading.Event()

    def work() -> None:
        while not closed.is_set():
            try:
                with turn:
                    item = next(todo)
            except StopIteration:
                done.put(None)
                return
            done.put(_call(function, item))

    for number in range(workers):
        name = f"fetch-{number}"
        threading.Thread(target=work, name=name, daemon=True).start()
    try:
        working = workers
        while working:
            result = done.get()
            if result is None:
                working -= 1
            else:
                yield result.result()
    finally:
        closed.set()
        # Makes room for the one result that each thread may still put.
        while not done.empty():
            done.get_nowait()


def _call[T, R](function: Callable[[T], R], item: T) -> Future[R]:
    future: Future[R] = Future()
    try:
        future.set_result(function(item))
    except Exception as error:  # noqa: BLE001 - the reader raises it
        future.set_exception(error)
    return future
