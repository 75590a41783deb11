"""Periodic tasks: at once, again and again, whatever fails, until they are closed."""

import threading
from collections.abc import Sequence

from structlog.testing import capture_logs

from service_kit.process.periodic import PeriodicThread, Task

WAIT_SECONDS = 10


class Known(Exception):
    """A failure that is expected."""


def started(tasks: Sequence[Task], seconds: float = 0.001) -> PeriodicThread:
    return PeriodicThread(tasks, seconds=seconds, expected=Known, name="periodic")


class Counting:
    """A task that counts its runs, and fails in some of them."""

    def __init__(self, *failures: Exception | None) -> None:
        self._failures = list(failures)
        self.often = threading.Event()
        self.runs = 0

    def __call__(self, _stop: threading.Event) -> None:
        self.runs += 1
        if self.runs >= 6:
            self.often.set()
        if self.runs <= len(self._failures) and (failure := self._failures[self.runs - 1]):
            raise failure


def test_a_task_runs_at_once() -> None:
    ran = threading.Event()
    thread = started([lambda _: ran.set()], seconds=3600)
    assert ran.wait(WAIT_SECONDS)
    thread.close()


def test_a_task_that_fails_is_run_again_and_holds_up_no_other() -> None:
    failing, other = Counting(*[Known("why")] * 6), Counting()
    with capture_logs():
        thread = started([failing, other])
        assert failing.often.wait(WAIT_SECONDS)
        assert other.often.wait(WAIT_SECONDS)
        thread.close()


def test_a_failure_is_logged_once_until_there_is_another_or_none() -> None:
    task = Counting(Known("a"), Known("a"), ValueError("b"), None, Known("a"), Known("a"))
    with capture_logs() as logged:
        thread = started([task])
        assert task.often.wait(WAIT_SECONDS)
        thread.close()
    assert [(line["reason"], line["exc_info"]) for line in logged] == [
        ("Known: a", False),
        ("ValueError: b", True),
        ("Known: a", False),
    ]


def test_closing_waits_for_the_task_in_hand_which_sees_it() -> None:
    seen: list[bool] = []
    begun = threading.Event()

    def task(stop: threading.Event) -> None:
        begun.set()
        seen.append(stop.wait(WAIT_SECONDS))

    thread = started([task], seconds=3600)
    assert begun.wait(WAIT_SECONDS)
    thread.close()
    assert seen == [True]
