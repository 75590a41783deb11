"""Index that is lost, damaged, foreign or behind: made anew, while queries are right."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from audit_service.log import Backend, migrate, open_log
from audit_service.search import All, Budget, Expression, Order, Search, SearchIndex, read_filters
from audit_service.search.buckets import Asked, Bucket
from audit_service.search.counting import count
from audit_service.search.expressions import Clock
from audit_service.search.histogram import histogram
from audit_service.search.index.file import VERSION
from audit_service.search.index.indexer import Indexer, sole_indexer
from service_kit import disk_reserve
from tests.support.log_databases import commit
from tests.support.log_processes import event

TYPE_T: Expression = read_filters([("type", "t")], 0)[0]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Backend]:
    with_events = log_at(tmp_path / "events.db", 20)
    yield with_events
    with_events.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db-index"


@pytest.fixture
def index(log: Backend, path: Path) -> Iterator[SearchIndex]:
    opened = SearchIndex(str(path), log)
    yield opened
    opened.close()


@pytest.fixture
def indexer(log: Backend, path: Path) -> Iterator[Indexer]:
    opened = Indexer(log, str(path), disk_reserve.always)
    yield opened
    opened.close()


def log_at(path: Path, events: int, name: str = "e") -> Backend:
    url = f"sqlite:///{path}"
    migrate(url)
    backend = open_log(url)
    commit(backend, *(event(f"{name}{n}") for n in range(events)))
    return backend


def found(log: Backend, index: SearchIndex) -> int:
    budget = Budget()
    return len(
        Search(log, index).find(TYPE_T, Order.DESCENDING, None, limit=100, budget=budget).records
    )


def position(index: SearchIndex) -> int | None:
    mark = index.mark()
    return None if mark is None else mark.position


def catch_up(indexer: Indexer) -> None:
    """Let it find what is wrong, and add all."""
    while indexer.step() or indexer.step():
        pass


def test_an_index_follows_the_log(log: Backend, index: SearchIndex, indexer: Indexer) -> None:
    assert position(index) is None
    assert indexer.step() == 20
    assert position(index) == 20
    assert indexer.step() == 0
    commit(log, event("later"))
    assert found(log, index) == 21
    assert indexer.step() == 1
    assert position(index) == 21


def test_an_index_that_is_closed_goes_on_where_it_was(
    log: Backend, index: SearchIndex, indexer: Indexer
) -> None:
    catch_up(indexer)
    indexer.close()
    commit(log, event("later"))
    assert indexer.step() == 1
    assert (position(index), found(log, index)) == (21, 21)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="deleted"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 50_000), id="zeros"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(b"x" * 50_000), id="no database"),
    ],
)
def test_a_damaged_index_is_made_anew_and_queries_are_right_meanwhile(
    log: Backend, path: Path, damage: object
) -> None:
    first = Indexer(log, str(path), disk_reserve.always)
    catch_up(first)
    first.close()
    damage(path)  # type: ignore[operator]
    index, indexer = SearchIndex(str(path), log), Indexer(log, str(path), disk_reserve.always)
    with capture_logs() as lines:
        for _ in range(3):
            assert found(log, index) == 20
    assert len(lines) <= 1
    catch_up(indexer)
    assert (position(index), found(log, index)) == (20, 20)
    index.close()
    indexer.close()


def test_a_page_that_is_damaged_while_it_is_read_costs_the_index_and_no_answer(
    log: Backend, path: Path
) -> None:
    commit(log, *(event(f"more{n}", subject=f"{n:030}") for n in range(3000)))
    indexer = Indexer(log, str(path), disk_reserve.always)
    catch_up(indexer)
    indexer.close()
    data = bytearray(path.read_bytes())
    for at in range(4096 * 3, len(data), 4096):
        data[at : at + 64] = b"\xff" * 64
    path.write_bytes(data)
    index = SearchIndex(str(path), log)
    search = Search(log, index)
    for subject in ("5", "1500", "2999"):
        expression = read_filters([("subject", f"{int(subject):030}")], 0)[0]
        page = search.find(expression, Order.DESCENDING, None, limit=5, budget=Budget())
        assert [record.event.id for record in page.records] == [f"more{subject}"]
    index.close()


def test_an_index_of_another_version_is_made_anew(
    log: Backend, path: Path, index: SearchIndex, indexer: Indexer
) -> None:
    catch_up(indexer)
    indexer.close()
    index.close()
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    other = SearchIndex(str(path), log)
    assert (position(other), found(log, other)) == (None, 20)
    catch_up(indexer)
    assert (position(other), found(log, other)) == (20, 20)
    other.close()


@pytest.mark.parametrize("events", [10, 20, 30])
def test_an_index_of_another_log_is_never_used_and_is_made_anew(
    log: Backend, path: Path, indexer: Indexer, tmp_path: Path, events: int
) -> None:
    catch_up(indexer)
    indexer.close()
    other = log_at(tmp_path / "other.db", events, name="f")
    index = SearchIndex(str(path), other)
    assert (position(index), found(other, index)) == (None, events)
    of_other = Indexer(other, str(path), disk_reserve.always)
    catch_up(of_other)
    assert (position(index), found(other, index)) == (events, events)
    index.close()
    of_other.close()
    other.close()


def test_an_index_of_the_same_events_that_arrived_anew_is_not_used(
    log: Backend, path: Path, indexer: Indexer, tmp_path: Path
) -> None:
    catch_up(indexer)
    indexer.close()
    again = log_at(tmp_path / "again.db", 20)
    index = SearchIndex(str(path), again)
    assert (position(index), found(again, index)) == (None, 20)
    index.close()
    again.close()


def damaged_block(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE block_columns SET packed = x'0011'",
        "DELETE FROM block_columns",
        "DELETE FROM block",
        "DROP TABLE words_0",
    ],
)
def test_an_index_whose_contents_are_damaged_costs_no_answer_and_is_made_anew(
    log: Backend, path: Path, index: SearchIndex, indexer: Indexer, sql: str
) -> None:
    catch_up(indexer)
    indexer.close()
    damaged_block(path, sql)
    asked = Asked(TYPE_T, Clock.ARRIVAL, None, None, Bucket.DAY, None)
    search = Search(log, index)
    assert sum(histogram(search, asked, Budget()).counts.values()) == 20
    assert count(search, read_filters([("q", "t")], 0)[0], Budget()).matches == 20
    commit(log, event("later"))
    catch_up(indexer)
    assert (position(index), found(log, index)) == (21, 21)
    assert sum(histogram(search, asked, Budget()).counts.values()) == 21
    with index.view() as view:
        assert view is not None
        assert count(search, read_filters([("q", "t")], 0)[0], Budget()).matches == 21


@pytest.mark.parametrize(
    "sql", ["UPDATE block_columns SET packed = x'0011'", "DELETE FROM block_columns"]
)
def test_nothing_is_added_to_a_block_that_is_not_whole(
    log: Backend, path: Path, index: SearchIndex, indexer: Indexer, sql: str
) -> None:
    catch_up(indexer)
    indexer.close()
    damaged_block(path, sql)
    commit(log, event("later"))
    catch_up(indexer)
    asked = Asked(TYPE_T, Clock.ARRIVAL, None, None, Bucket.DAY, None)
    assert sum(histogram(Search(log, index), asked, Budget()).counts.values()) == 21


def test_two_who_write_to_one_index_make_it_anew(
    log: Backend, path: Path, index: SearchIndex, indexer: Indexer
) -> None:
    other = Indexer(log, str(path), disk_reserve.always)
    catch_up(indexer)
    catch_up(other)
    commit(log, event("later"))
    assert indexer.step() == 1
    commit(log, event("latest"))
    with capture_logs() as lines:
        assert other.step() == 0
    assert "another process writes" in lines[0]["reason"]
    catch_up(indexer)
    assert (position(index), found(log, index)) == (22, 22)
    other.close()


def test_a_lock_that_was_removed_is_no_lock(path: Path) -> None:
    with sole_indexer(str(path)) as first:
        assert first
        Path(f"{path}-lock").unlink()
        with sole_indexer(str(path)) as second:
            assert second


def test_a_full_disk_stops_the_index_and_not_the_log_and_says_so_once(
    log: Backend, path: Path, index: SearchIndex
) -> None:
    room: list[bool] = [False]
    indexer = Indexer(log, str(path), lambda _: room[0])
    with capture_logs() as lines:
        assert [indexer.step() for _ in range(3)] == [0, 0, 0]
    assert [line["event"] for line in lines] == ["the index cannot be written"]
    assert found(log, index) == 20
    room[0] = True
    assert indexer.step() == 20
    indexer.close()


def test_two_do_not_write_to_one_index(path: Path) -> None:
    with sole_indexer(str(path)) as first:
        assert first
        with sole_indexer(str(path)) as second:
            assert not second
    with sole_indexer(str(path)) as third:
        assert third


def test_a_query_that_nothing_bounds_scans_within_its_budget(
    log: Backend, index: SearchIndex, indexer: Indexer
) -> None:
    catch_up(indexer)
    expression = read_filters([("filter", '{"suffix":{"type":"t"}}')], 0)[0]
    page = Search(log, index).find(
        expression, Order.DESCENDING, None, limit=100, budget=Budget(records=5)
    )
    assert (len(page.records), page.scanned_to, page.more) == (5, 16, True)
    assert (
        len(Search(log, index).find(All(()), Order.ASCENDING, 5, limit=9, budget=Budget()).records)
        == 9
    )
