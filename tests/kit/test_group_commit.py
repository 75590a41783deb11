"""Calls that come together share a commit, and each is told the truth of its own."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service_kit.group_commit import Drain, GroupCommit, OutcomeUnknown, QueueTimeout
from tests.support.queueing import wait_until_queued

SECONDS = 20


class Gate:
    """A gate at which a commit waits for the test: `reached`, then `opened`."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(SECONDS)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def _shouting(drain: Drain[str]) -> Sequence[str]:
    return [item.upper() for item in drain()]


def _error_of(call: Future[str]) -> BaseException | None:
    return call.exception(timeout=SECONDS)


class Committed:
    """Two calls, `first` and `second`, drained by one commit, which goes on when told."""

    def __init__(
        self, pool: ThreadPoolExecutor, *, timeout: float, outcome_timeout: float | None = None
    ) -> None:
        before, self.after = Gate(), Gate()

        def committing(drain: Drain[str]) -> Sequence[str]:
            before.wait()
            results = _shouting(drain)
            self.after.wait()
            return results

        self.commit = GroupCommit(committing, timeout=timeout, outcome_timeout=outcome_timeout)
        self.first = pool.submit(self.commit, "first")
        assert before.reached.wait(SECONDS)
        self.second = pool.submit(self.commit, "second")
        wait_until_queued(self.commit, 2)
        before.opened.set()
        assert self.after.reached.wait(SECONDS)


def test_a_call_that_times_out_while_being_committed_gets_its_result(
    pool: ThreadPoolExecutor,
) -> None:
    """Told that nothing was done, it would do it again, and it would be done twice."""
    given = Committed(pool, timeout=1, outcome_timeout=SECONDS)
    with pytest.raises(TimeoutError):
        given.second.result(1.5)
    given.after.opened.set()
    assert (given.first.result(SECONDS), given.second.result(SECONDS)) == ("FIRST", "SECOND")


def test_a_call_that_is_committed_for_too_long_is_not_told_that_nothing_was_done(
    pool: ThreadPoolExecutor,
) -> None:
    given = Committed(pool, timeout=1)
    error = _error_of(given.second)
    given.after.opened.set()
    assert isinstance(error, OutcomeUnknown)
    assert error.__cause__ is None
    assert given.first.result(SECONDS) == "FIRST"


@pytest.mark.parametrize("fault", [OSError("no store"), SystemExit()])
def test_a_commit_that_fails_before_it_drains_fails_its_leader_alone(
    pool: ThreadPoolExecutor, fault: BaseException
) -> None:
    gate = Gate()
    tries = iter([fault])

    def committing(drain: Drain[str]) -> Sequence[str]:
        error = next(tries, None)
        if error is not None:
            gate.wait()
            raise error
        return _shouting(drain)

    commit = GroupCommit(committing, timeout=SECONDS)
    first = pool.submit(commit, "first")
    assert gate.reached.wait(SECONDS)
    others = [pool.submit(commit, name) for name in ("a", "b")]
    wait_until_queued(commit, 3)
    gate.opened.set()
    assert [other.result(SECONDS) for other in others] == ["A", "B"]
    error = _error_of(first)
    assert fault in (error, getattr(error, "__cause__", None))
    assert commit("later") == "LATER"


def test_a_call_that_times_out_in_the_queue_is_never_committed(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    committed: list[str] = []

    def committing(drain: Drain[str]) -> Sequence[str]:
        items = drain()
        gate.wait()
        committed.extend(items)
        return items

    commit = GroupCommit(committing, timeout=0.05)
    first = pool.submit(commit, "first")
    assert gate.reached.wait(SECONDS)
    with pytest.raises(QueueTimeout):
        commit("second")
    gate.opened.set()
    assert first.result(SECONDS) == "first"
    assert committed == ["first"]
