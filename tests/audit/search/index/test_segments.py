"""Index of more than one segment, by a clock that jumps: what it proposes is what there is."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit_service.events import JsonText
from audit_service.log import Backend, migrate, open_log, sqlite
from audit_service.search import Budget, Order, Search, SearchIndex, read_filters
from audit_service.search.buckets import Asked, Bucket, TooManyBuckets
from audit_service.search.counting import count
from audit_service.search.expressions import Clock
from audit_service.search.histogram import histogram
from audit_service.search.index.file import SEGMENT
from audit_service.search.index.value_counts import ValueKind
from service_kit.clock import from_microseconds, rfc3339
from tests.support.log_databases import commit
from tests.support.log_processes import event
from tests.support.search_app import indexed

pytestmark = pytest.mark.slow

EVENTS = SEGMENT + 4000
COMMIT = 500
START = 1_767_225_600_000_000
SECOND = 1_000_000
TYPES = ["order.paid", "order.sent", "user.made"]
PLENTY = Budget(records=10**9, seconds=60)


@dataclass(frozen=True)
class Known:
    """What is known of an event."""

    position: int
    kind: str
    number: int
    arrived: int
    time: int | None


@dataclass(frozen=True)
class Log:
    backend: Backend
    index: SearchIndex
    events: list[Known]

    @property
    def search(self) -> Search:
        return Search(self.backend, self.index)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    folder: Path = tmp_path_factory.mktemp("segments")
    url = f"sqlite:///{folder}/events.db"
    migrate(url)
    backend = open_log(url)
    with pytest.MonkeyPatch.context() as patch:
        known = list(appended(backend, patch))
    with indexed(backend, folder) as (index, indexer):
        while indexer.step():
            pass
        yield Log(backend, index, known)
    backend.close()


def appended(backend: Backend, patch: pytest.MonkeyPatch) -> Iterator[Known]:
    """Events in commits of one second and a half each, after the half of which the clock jumps
    back.
    """
    choose = random.Random(5)
    for begin in range(0, EVENTS, COMMIT):
        step = begin // COMMIT
        at = START + step * SECOND * 3 // 2 - (60 * SECOND if begin > EVENTS // 2 else 0)
        patch.setattr(sqlite, "now_in_microseconds", lambda at=at: at)
        made = []
        for n in range(begin, min(begin + COMMIT, EVENTS)):
            time = None if n % 7 == 0 else at - choose.randrange(3600 * SECOND)
            kind = choose.choice(TYPES)
            timed = {} if time is None else {"time": rfc3339(from_microseconds(time))}
            data = JsonText(b'{"n":%d}' % (n % 1000))
            made.append(event(f"{n}", data, type=kind, subject=f"s{n % 5000}", **timed))
            yield Known(n + 1, kind, n, at, time)
        commit(backend, *made)


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("subject", ["s1", "s4999", "s12*", "s*"])
def test_a_term_is_found_in_every_segment_in_order(log: Log, order: Order, subject: str) -> None:
    expression, _ = read_filters([("subject", subject), ("type", "!order.*")], 0)
    expected = [
        each.position
        for each in log.events
        if each.kind == "user.made" and fits(f"s{each.number % 5000}", subject)
    ]
    if order is Order.DESCENDING:
        expected.reverse()
    page = log.search.find(expression, order, None, limit=300, budget=PLENTY)
    assert [record.position for record in page.records] == expected[:300]
    assert page.more is (len(expected) >= 300)
    assert count(log.search, expression, PLENTY).matches == len(expected)


def fits(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


@pytest.mark.parametrize("by", ["arrival", "time"])
@pytest.mark.parametrize("seed", range(6))
def test_a_period_is_of_the_events_in_it_whatever_the_clock_did(
    log: Log, by: str, seed: int
) -> None:
    choose = random.Random(seed)
    first, last = START - 3600 * SECOND, START + EVENTS // COMMIT * SECOND * 3 // 2
    since, until = sorted(choose.randrange(first, last) for _ in range(2))
    filters = [("since", stamp(since)), ("until", stamp(until)), ("by", by)]
    expression, _ = read_filters([*filters, ("type", "order.paid")], 0)
    expected = [
        each.position
        for each in log.events
        if each.kind == "order.paid" and is_within(each, by, since, until)
    ]
    assert count(log.search, expression, PLENTY).matches == len(expected)
    page = log.search.find(expression, Order.ASCENDING, None, limit=1000, budget=PLENTY)
    assert [record.position for record in page.records] == expected[:1000]


def is_within(known: Known, by: str, since: int, until: int) -> bool:
    at = known.arrived if by == "arrival" else known.time
    return at is not None and since <= at < until


def stamp(microseconds: int) -> str:
    return rfc3339(from_microseconds(microseconds))


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("bucket", [Bucket.MINUTE, Bucket.HOUR, None])
@pytest.mark.parametrize("filters", [[], [("data.n", "7")], [("type", "order.*")]], ids=str)
def test_a_histogram_counts_every_event_in_its_bucket(
    log: Log, clock: Clock, bucket: Bucket | None, filters: list[tuple[str, str]]
) -> None:
    expression, _ = read_filters(filters, 0)
    found = histogram(
        log.search, Asked(expression, clock, None, None, bucket, ValueKind.TYPE), PLENTY
    )
    expected: Counter[tuple[int, str]] = Counter()
    for each in log.events:
        at = each.arrived if clock is Clock.ARRIVAL else each.time
        if at is not None and naively(each, filters):
            expected[found.bucket.start(at // SECOND), each.kind] += 1
    assert {key: number for key, number in found.counts.items() if number} == dict(expected)
    starts = sorted({start for start, _ in found.counts})
    assert starts == list(range(starts[0], starts[-1] + 1, found.bucket.seconds))
    assert len(starts) <= 500


def naively(known: Known, filters: list[tuple[str, str]]) -> bool:
    if filters == [("data.n", "7")]:
        return known.number % 1000 == 7
    return not filters or known.kind.startswith("order.")


def test_a_histogram_of_too_many_buckets_is_refused(log: Log) -> None:
    expression, _ = read_filters([], 0)
    with pytest.raises(TooManyBuckets):
        histogram(
            log.search, Asked(expression, Clock.EVENT, None, None, Bucket.SECOND, None), PLENTY
        )


def test_a_count_that_takes_too_long_says_that_it_is_not_complete(log: Log) -> None:
    expression, _ = read_filters([("filter", '{"suffix":{"type":"paid"}}')], 0)
    counted = count(log.search, expression, Budget(records=1000))
    assert not counted.is_complete
    assert 0 < counted.matches < 1000
