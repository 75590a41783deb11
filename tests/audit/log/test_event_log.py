"""Event log: appends that arrive together share a commit, and none of them hangs."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from audit_service.log import EventLog, Heading, LogUnavailable, Outcome, Page, Receipt, Record
from audit_service.log.backend import Also, Drain
from audit_service.log.event_log import COMMIT_BYTES, COMMIT_EVENTS
from service_kit.group_commit import MAX_WAITING
from tests.support.log_processes import event
from tests.support.queueing import wait_until_queued

SECONDS = 20


class GatedBackend:
    """Numbers what it is given; each commit waits until the test lets it go on, or fail."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)
        self._faults: list[BaseException | None] = []
        self._position = 0

    def let_go(self, fault: BaseException | None = None) -> None:
        self._faults.append(fault)
        self._gate.release()

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        entries = drain()
        self.commits.append([entry.event.id for entry in entries])
        self.begun.release()
        assert self._gate.acquire(timeout=SECONDS)
        fault = self._faults.pop(0)
        if fault is not None:
            raise fault
        first = self._position + 1
        self._position += len(entries)
        return [Receipt(first + n, Outcome.STORED) for n in range(len(entries))]

    def newest(self, *_: Any, **__: Any) -> Page:
        return Page([], more=False)

    def oldest(self, *_: Any, **__: Any) -> Page:
        return Page([], more=False)

    def at(self, *_: Any, **__: Any) -> Page:
        return Page([], more=False)

    def get(self, *_: Any, **__: Any) -> Record | None:
        return None

    def heading(self, *_: Any, **__: Any) -> Heading | None:
        return None

    def add_salts(self, *_: Any, **__: Any) -> None:
        pass

    def last(self) -> int:
        return self._position

    def size(self) -> int:
        return 0

    def ping(self) -> None:
        pass

    def close(self) -> None:
        pass


class Requests:
    """Threads that append; `waiting` returns once so many are queued."""

    def __init__(self, pool: ThreadPoolExecutor, timeout: float) -> None:
        self.backend = GatedBackend()
        self.log = EventLog(self.backend, timeout=timeout)
        self._pool = pool

    def append(self, *ids: str) -> Future[Sequence[Receipt]]:
        return self._pool.submit(self.log.append, [event(each) for each in ids])

    def first_is_committing(self) -> Future[Sequence[Receipt]]:
        first = self.append("first")
        assert self.backend.begun.acquire(timeout=SECONDS)
        return first

    def waiting(self, count: int) -> None:
        wait_until_queued(self.log, count)


Opener = Callable[..., Requests]


@pytest.fixture
def requests() -> Iterator[Opener]:
    pool = ThreadPoolExecutor(MAX_WAITING + 1)
    opened: list[Requests] = []

    def open_log(timeout: float = SECONDS) -> Requests:
        opened.append(Requests(pool, timeout))
        return opened[-1]

    yield open_log
    for each in opened:
        for _ in range(20):
            each.backend.let_go()
    pool.shutdown()


def fault_of(future: Future[Sequence[Receipt]]) -> BaseException | None:
    return future.exception(timeout=SECONDS)


def positions(future: Future[Sequence[Receipt]]) -> list[int]:
    return [receipt.position for receipt in future.result(timeout=SECONDS)]


def test_appends_that_arrive_during_a_commit_share_the_next(requests: Opener) -> None:
    given = requests()
    first = given.first_is_committing()
    others = {name: given.append(f"{name}1", f"{name}2") for name in "abcde"}
    given.waiting(5)
    given.backend.let_go()
    given.backend.let_go()
    assert positions(first) == [1]
    found = {name: positions(future) for name, future in others.items()}
    assert len(given.backend.commits) == 2
    committed = given.backend.commits[1]
    for name, theirs in found.items():
        assert [committed[position - 2] for position in theirs] == [f"{name}1", f"{name}2"]


def test_an_append_returns_only_after_its_commit(requests: Opener) -> None:
    given = requests()
    first = given.first_is_committing()
    other = given.append("other")
    given.waiting(1)
    given.backend.let_go()
    assert given.backend.begun.acquire(timeout=SECONDS)
    assert positions(first) == [1]
    assert not other.done()
    given.backend.let_go()
    assert positions(other) == [2]


def test_others_have_their_commit_between_those_of_a_long_append(requests: Opener) -> None:
    given = requests()
    long = given.append(*map(str, range(2 * COMMIT_EVENTS + 1)))
    assert given.backend.begun.acquire(timeout=SECONDS)
    other = given.append("other")
    given.waiting(1)
    for _ in range(4):
        given.backend.let_go()
    stored = positions(long)
    assert stored[0] < positions(other)[0] < stored[-1]
    assert len(stored) == 2 * COMMIT_EVENTS + 1
    assert max(map(len, given.backend.commits)) <= COMMIT_EVENTS + 1


def test_an_event_that_is_longer_than_a_commit_may_be_has_one_of_its_own() -> None:
    sizes = [COMMIT_BYTES + 1, 1, COMMIT_BYTES, COMMIT_BYTES - 1, 1]
    backend = GatedBackend()
    for _ in range(4):
        backend.let_go()
    events = [event(f"{n}", data=b"x" * size) for n, size in enumerate(sizes)]
    assert len(EventLog(backend).append(events)) == 5
    assert backend.commits == [["0"], ["1"], ["2"], ["3", "4"]]


def test_an_append_of_no_events_makes_no_commit(requests: Opener) -> None:
    given = requests()
    assert given.log.append([]) == []
    assert given.backend.commits == []


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        pytest.param(LogUnavailable("disk"), LogUnavailable, id="unavailable"),
        pytest.param(ZeroDivisionError("bug"), RuntimeError, id="a-fault-of-ours"),
    ],
)
def test_an_error_of_a_shared_commit_reaches_each_append(
    requests: Opener, fault: Exception, raised: type[Exception]
) -> None:
    given = requests()
    first = given.first_is_committing()
    others = [given.append(str(n)) for n in range(4)]
    given.waiting(4)
    given.backend.let_go()
    given.backend.let_go(fault)
    assert fault_of(first) is None
    errors = [fault_of(other) for other in others]
    assert {type(error) for error in errors} == {raised}
    assert len({id(error) for error in errors}) == len(errors), "each raises an error of its own"
    given.backend.let_go()
    assert positions(given.append("later")) == [2]


def test_a_committer_that_is_stopped_leaves_no_append_hanging(requests: Opener) -> None:
    given = requests()
    first = given.first_is_committing()
    others = [given.append(str(n)) for n in range(3)]
    given.waiting(3)
    given.backend.let_go()
    given.backend.let_go(SystemExit())
    for _ in others:
        given.backend.let_go()
    errors = [fault_of(other) for other in others]
    assert fault_of(first) is None
    assert {type(error) for error in errors} == {SystemExit, RuntimeError}


def test_a_full_queue_is_unavailable_at_once(requests: Opener) -> None:
    given = requests()
    first = given.first_is_committing()
    names = [f"{n:04}" for n in range(MAX_WAITING)]
    others = [given.append(name) for name in names]
    given.waiting(MAX_WAITING)
    with pytest.raises(LogUnavailable, match="too many"):
        given.log.append([event("one too many")])
    given.backend.let_go()
    given.backend.let_go()
    assert {fault_of(each) for each in (first, *others)} == {None}
    assert sorted(given.backend.commits[1]) == names


def test_an_append_that_waits_too_long_raises_and_is_not_committed(requests: Opener) -> None:
    given = requests(timeout=0.05)
    first = given.first_is_committing()
    with pytest.raises(LogUnavailable, match="too long"):
        given.log.append([event("impatient")])
    given.backend.let_go()
    assert positions(first) == [1]
    given.backend.let_go()
    assert positions(given.append("later")) == [2]
    assert given.backend.commits == [["first"], ["later"]]


def test_an_append_whose_commit_takes_too_long_raises_that_the_log_is_unavailable(
    requests: Opener,
) -> None:
    given = requests(timeout=1)
    first = given.first_is_committing()
    others = [given.append(name) for name in "ab"]
    given.waiting(2)
    given.backend.let_go()
    assert positions(first) == [1]
    assert given.backend.begun.acquire(timeout=SECONDS)
    (follower,), (committer,) = wait(others, SECONDS, FIRST_COMPLETED)
    given.backend.let_go()
    assert isinstance(fault_of(follower), LogUnavailable)
    assert fault_of(committer) is None
