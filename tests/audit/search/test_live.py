"""Live events: what a reader is handed, whoever looks at the log for it, and however slow it is."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from audit_service.api.stream import Streams
from audit_service.api.stream_frames import frame
from audit_service.api.stream_timing import StreamTiming
from audit_service.log import Backend, LogUnavailable, Page, migrate, open_log
from audit_service.metrics import StreamMetrics
from audit_service.search import All, Expression, Search, read_filters
from audit_service.search.live import Hub
from audit_service.search.reader_queue import QUEUE_BOUNDS, Frames, QueueBounds
from service_kit.concurrency import THREADS, Concurrency
from service_kit.http.problems import Problem
from service_kit.metrics.registry import Metrics
from service_kit.process.greenlets import Greenlets
from tests.support.log_databases import commit
from tests.support.log_processes import event

EVERY: Expression = All(())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Backend]:
    url = f"sqlite:///{tmp_path}/events.db"
    migrate(url)
    with closing(open_log(url)) as backend:
        yield backend


class Service:
    """The streams of a log, and whether they are over."""

    def __init__(
        self,
        log: Backend,
        concurrency: Concurrency = THREADS,
        most: int = 100,
        bounds: QueueBounds = QUEUE_BOUNDS,
    ) -> None:
        self.is_over = False
        self.hub = Hub(log, concurrency, frame, lambda: self.is_over, Frames(bounds))
        self.streams = Streams(
            Search(log),
            self.hub,
            concurrency.runner(1),
            StreamMetrics(Metrics()),
            most=most,
            is_over=lambda: self.is_over,
            timing=StreamTiming(quiet_seconds=0.01),
        )

    def follow(self, after: int | None = None, expression: Expression = EVERY) -> "Followed":
        return Followed(self.streams.open(expression, after))


class Followed:
    """A stream whose client reads when it is told to."""

    def __init__(self, frames: Iterator[bytes]) -> None:
        self.frames = frames
        self.text = ""

    def read(self) -> str:
        part = next(self.frames).decode()
        self.text += part
        return part

    def read_until(self, count: int) -> list[int]:
        """The positions of so many events at least."""
        while len(self.positions()) < count:
            self.read()
        return self.positions()

    def positions(self) -> list[int]:
        blocks = self.text.split("\n\n")
        return [int(block[4:].split("\n")[0]) for block in blocks if "\ndata: " in block]

    def last_id(self) -> int:
        return [int(line[4:]) for line in self.text.splitlines() if line.startswith("id: ")][-1]


@pytest.fixture
def service(log: Backend) -> Service:
    return Service(log)


def arrive(log: Backend, count: int = 1) -> None:
    commit(log, *(event(f"{time.monotonic_ns()}-{n}") for n in range(count)))


@pytest.mark.parametrize(
    "bounds", [QueueBounds(waiting=3), QueueBounds(bytes=700), QueueBounds(bytes_of_all=700)]
)
def test_a_client_that_stalls_misses_nothing_and_gets_nothing_twice(
    log: Backend, bounds: QueueBounds
) -> None:
    service = Service(log, bounds=bounds)
    quick, stalled = service.follow(0), service.follow(0)
    for each in (quick, stalled):
        # The second time, since what comes first is read from the log.
        each.read()
        each.read()
    for round_ in range(1, 8):
        arrive(log, 2)
        # It looks for both of them.
        assert quick.read_until(2 * round_) == list(range(1, 2 * round_ + 1))
    assert stalled.read_until(14) == list(range(1, 15))
    arrive(log)
    assert stalled.read_until(15) == quick.read_until(15) == list(range(1, 16))


def test_a_client_has_a_position_to_go_on_from_before_and_between_events(
    log: Backend, service: Service
) -> None:
    arrive(log, 3)
    followed = service.follow()
    assert "id: 3\n\n" in followed.read()
    expression, _ = read_filters([("type", "other")], 0)
    picky = service.follow(0, expression)
    picky.read()
    while picky.last_id() < 3:
        picky.read()
    arrive(log, 2)
    while picky.last_id() < 5:
        picky.read()
    assert (picky.positions(), followed.read_until(2)) == ([], [4, 5])


def test_a_position_beyond_the_end_is_the_end(log: Backend, service: Service) -> None:
    arrive(log, 2)
    beyond, within = service.follow(10**15), service.follow(2)
    assert "id: 2\n\n" in beyond.read()
    beyond.read()
    within.read()
    arrive(log)
    assert within.read_until(1) == beyond.read_until(1) == [3]


def test_one_that_joins_during_a_look_is_behind_what_was_looked_for(
    log: Backend, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, joined = log.oldest, []

    def join_meanwhile(after: int, limit: int, size: int) -> Page:
        monkeypatch.setattr(log, "oldest", oldest)
        joined.append(service.hub.join(EVERY, 0))
        return oldest(after, limit, size)

    arrive(log, 2)
    first = service.hub.join(EVERY, 0)
    assert first is not None
    monkeypatch.setattr(log, "oldest", join_meanwhile)
    handed = service.hub.next(first, time.monotonic() + 10)
    assert (handed.frames.count(b"data: "), handed.position, handed.is_behind) == (2, 2, False)
    (late,) = joined
    assert late is not None
    assert service.hub.next(late, time.monotonic() + 10) == (b"", 0, True)


def test_all_who_wait_learn_of_an_event_and_one_look_is_for_all(
    log: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(log)
    arrive(log)
    followers = [service.follow(1) for _ in range(20)]
    counts: list[int] = []
    oldest = log.oldest
    monkeypatch.setattr(log, "oldest", lambda *given: counts.append(1) or oldest(*given))  # type: ignore[func-returns-value]
    threads = [threading.Thread(target=each.read_until, args=(3,)) for each in followers]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for _ in range(3):
        arrive(log)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    looks = (time.monotonic() - began) / 0.2 + 2
    # Each reads the log itself before it joins, and after it fell behind, if it did.
    assert len(counts) <= looks + 3 * len(followers)


def test_all_who_wait_end_once_all_is_over(log: Backend) -> None:
    service = Service(log)
    followers = [service.follow(0) for _ in range(10)]
    threads = [threading.Thread(target=lambda each=each: list(each.frames)) for each in followers]
    for thread in threads:
        thread.start()
    service.is_over = True
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_another_looks_for_all_once_the_one_who_did_has_left(log: Backend) -> None:
    service = Service(log)
    expression, _ = read_filters([("type", "other")], 0)
    leader, waiting = service.hub.join(expression, 0), service.follow(0)
    assert leader is not None
    led = threading.Thread(target=service.hub.next, args=(leader, time.monotonic() + 0.5))
    led.start()
    thread = threading.Thread(target=waiting.read_until, args=(1,))
    thread.start()
    led.join(5)
    service.hub.leave(leader)
    arrive(log)
    thread.join(5)
    assert waiting.positions() == [1]


def test_one_that_falls_behind_goes_on_from_where_it_was_told_to_be(log: Backend) -> None:
    service = Service(log, bounds=QueueBounds(waiting=0))
    expression, _ = read_filters([("subject", "s")], 0)
    picky, every = service.follow(0, expression), service.follow(0)
    for each in (picky, every):
        each.read()
        each.read()
    arrive(log, 5)
    every.read_until(5)
    while picky.last_id() < 5:
        picky.read()
    commit(log, event("wanted", subject="s"))
    every.read_until(6)
    assert picky.read_until(1) == [6]
    told = [int(line[4:]) for line in picky.text.splitlines() if line.startswith("id: ")]
    assert told == sorted(told)


def test_the_most_streams_are_not_exceeded_by_those_that_open_together(log: Backend) -> None:
    service = Service(log, Greenlets(), most=5)

    def opened() -> Followed | None:
        try:
            followed = service.follow(0)
        except Problem:
            return None
        followed.read()
        return followed

    together = [gevent.spawn(opened) for _ in range(20)]
    gevent.joinall(together, timeout=20, raise_error=True)
    assert sum(each.value is not None for each in together) == 5


def test_a_stream_that_begins_while_the_log_is_away_waits_for_it(
    log: Backend, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(log)
    followed = service.follow(0)
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise LogUnavailable("away")

        patch.setattr(log, "oldest", away)
        assert followed.read().startswith("retry")
        assert followed.read() == ":\nid: 0\n\n"
    assert followed.read_until(1) == [1]


def test_a_log_that_is_away_for_a_moment_ends_no_stream(
    log: Backend, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = service.follow(0)
    followed.read()
    followed.read()
    oldest = log.oldest

    def away(*_: object) -> None:
        raise LogUnavailable("away")

    monkeypatch.setattr(log, "oldest", away)
    for _ in range(50):
        assert followed.read() == ":\nid: 0\n\n"
    monkeypatch.setattr(log, "oldest", oldest)
    arrive(log)
    assert followed.read_until(1) == [1]
