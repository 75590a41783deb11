"""Greenlets wait for what blocks without holding each other up."""

import gc
import time
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from weakref import ReferenceType, ref

import gevent
import pytest

from service_kit.group_commit import Drain, GroupCommit, OutcomeUnknown, QueueTimeout
from service_kit.process.greenlets import Greenlets

NAME = ContextVar("NAME", default="")


@pytest.fixture
def greenlets() -> Greenlets:
    return Greenlets()


class Fault(Exception):
    """What a call raises."""


def test_what_blocks_holds_up_no_greenlet(greenlets: Greenlets) -> None:
    turns: list[float] = []
    blocking = gevent.spawn(greenlets.runner(2), lambda: time.sleep(0.2))
    while not blocking.ready():
        turns.append(time.monotonic())
        gevent.sleep(0.001)
    assert len(turns) > 20


def test_a_call_has_the_context_variables_of_its_caller(greenlets: Greenlets) -> None:
    run = greenlets.runner(2)

    def ask(name: str) -> str:
        NAME.set(name)
        return run(NAME.get)

    asking = [gevent.spawn(ask, name) for name in ("a", "b", "c")]
    gevent.joinall(asking, raise_error=True)
    assert [each.value for each in asking] == ["a", "b", "c"]


def test_what_a_call_raises_is_its_callers_alone(
    greenlets: Greenlets, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise Fault

    with pytest.raises(Fault):
        greenlets.runner(2)(fail)
    assert capfd.readouterr() == ("", "")


def test_what_a_call_that_raised_had_is_gone_with_its_error(greenlets: Greenlets) -> None:
    class Body:
        """What the frames of a request have."""

    def fail(body: Body) -> None:
        del body
        raise Fault

    run = greenlets.runner(1)

    def answer() -> ReferenceType[Body]:
        body = Body()
        with suppress(Fault):
            run(lambda: fail(body))
        return ref(body)

    gc.disable()
    try:
        found = answer()
        # By then the thread is done with the one before.
        run(lambda: None)
        assert found() is None
    finally:
        gc.enable()


def test_no_more_calls_run_at_once_than_may(greenlets: Greenlets) -> None:
    run, under_way, most = greenlets.runner(2), [0], [0]

    def work() -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        under_way[0] -= 1

    gevent.joinall([gevent.spawn(run, work) for _ in range(5)], raise_error=True)
    assert most == [2]


def test_greenlets_share_a_commit(greenlets: Greenlets) -> None:
    commits: list[Sequence[int]] = []

    def commit(drain: Drain[int]) -> Sequence[int]:
        commits.append(drain())
        time.sleep(0.01)
        return commits[-1]

    append = GroupCommit(commit, timeout=5, concurrency=greenlets)
    appending = [gevent.spawn(append, number) for number in range(50)]
    gevent.joinall(appending, raise_error=True)
    assert [each.value for each in appending] == list(range(50))
    assert sorted(number for each in commits for number in each) == list(range(50))
    assert len(commits) <= 2


def test_greenlets_that_give_up_together_stop_no_other(greenlets: Greenlets) -> None:
    def commit(drain: Drain[int]) -> Sequence[int]:
        taken = drain()
        time.sleep(0.5)
        return taken

    append = GroupCommit(commit, timeout=0.1, concurrency=greenlets)
    leader = gevent.spawn(append, 0)
    gevent.sleep(0.05)
    waiting = [gevent.spawn(append, number) for number in range(1, 30)]
    later = [gevent.spawn_later(0.1, append, number) for number in range(30, 60)]
    gevent.joinall([leader, *waiting, *later])
    assert leader.value == 0
    assert {type(each.exception) for each in waiting} == {QueueTimeout}


def test_a_greenlet_waits_no_longer_than_it_may(greenlets: Greenlets) -> None:
    def commit(drain: Drain[int]) -> Sequence[int]:
        taken = drain()
        time.sleep(0.5)
        return taken

    append = GroupCommit(commit, timeout=0.1, outcome_timeout=0.1, concurrency=greenlets)
    leader = gevent.spawn(append, 1)
    gevent.sleep(0)
    shares = gevent.spawn(append, 2)
    gevent.sleep(0.05)
    comes_later = gevent.spawn(append, 3)
    gevent.joinall([leader, shares, comes_later])
    assert leader.value == 1
    assert isinstance(shares.exception, OutcomeUnknown)
    assert isinstance(comes_later.exception, QueueTimeout)
