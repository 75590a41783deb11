"""Periodic tasks of a process that serves, in a thread of their own."""

import threading
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()

Task = Callable[[threading.Event], object]
"""Something to do now and again. It SHOULD return soon once the event is set."""


class PeriodicThread:
    """Runs tasks one after the other at once, and then again and again, until it is closed.

    A task that fails is logged, once until it fails in another way, and is run again with the
    others. Threads of requests do not wait for it.
    """

    def __init__(
        self, tasks: Sequence[Task], *, seconds: float, expected: type[Exception], name: str
    ) -> None:
        """`seconds`: between two rounds; `expected`: a failure that needs no traceback."""
        self._tasks = tasks
        self._seconds = seconds
        self._expected = expected
        self._stop = threading.Event()
        # Owned by the thread: of each task that fails, what was logged of it.
        self._failures: dict[Task, str] = {}
        # A daemon: a process that is to end does not wait for a sink.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Return once no task runs any more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for task in self._tasks:
                self._try(task)
            self._stop.wait(self._seconds)

    def _try(self, task: Task) -> None:
        try:
            task(self._stop)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
            if self._failures.get(task) != failure:
                expected = isinstance(error, self._expected)
                log.warning("a periodic task failed", reason=failure, exc_info=not expected)
            self._failures[task] = failure
        else:
            self._failures.pop(task, None)
