"""Check of an index: whatever is altered in it is found, and what the service made holds."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from audit_service.log import Backend, migrate, open_log
from audit_service.search.index.check import IndexDiffers, check_index
from audit_service.search.index.faults import IndexForeign, IndexUnusable
from audit_service.search.index.indexer import Indexer
from service_kit import disk_reserve
from tests.support.log_databases import commit
from tests.support.log_processes import event

ALTERATIONS = {
    "a term of one event is gone": """INSERT INTO terms_0 (terms_0, rowid, text)
        SELECT 'delete', doc, term FROM temp.terms WHERE doc = 7 LIMIT 1""",
    "an event is found by a word that it has not": """INSERT INTO words_0 (rowid, text)
        VALUES (3, 'hidden')""",
    "a type is counted once less": "UPDATE value SET count = count - 1 WHERE kind = 'type'",
    "a block says it ended earlier": "UPDATE block SET arrived_to = arrived_to - 1",
    "an event's second is another": """UPDATE block_columns SET packed =
        (SELECT packed FROM block_columns WHERE number = 1) WHERE number = 0""",
    "a value is gone": "DELETE FROM value WHERE kind = 'source'",
    "texts are cut into other terms": """PRAGMA writable_schema = ON; UPDATE sqlite_schema
        SET sql = replace(sql, '"ascii"', '"unicode61"') WHERE name = 'words_0'""",
    "no event is said to be partial": "UPDATE mark SET partial = partial + 1",
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Backend]:
    url = f"sqlite:///{tmp_path / 'events.db'}"
    migrate(url)
    backend = open_log(url)
    commit(backend, *(event(f"e{n}") for n in range(1500)))
    yield backend
    backend.close()


@pytest.fixture
def path(log: Backend, tmp_path: Path) -> str:
    return index_of(log, tmp_path / "events.db-index")


def index_of(log: Backend, path: Path) -> str:
    indexer = Indexer(log, str(path), disk_reserve.always)
    while indexer.step():
        pass
    indexer.close()
    return str(path)


def nothing(_: int) -> None:
    pass


def test_an_index_that_the_service_made_holds_however_far_it_came(log: Backend, path: str) -> None:
    assert check_index(path, log, nothing) == 1500
    commit(log, *(event(f"later{n}") for n in range(20)))
    assert check_index(path, log, nothing) == 1500


def test_an_index_that_was_made_in_many_steps_holds(log: Backend, tmp_path: Path) -> None:
    indexer = Indexer(log, str(tmp_path / "index"), disk_reserve.always)
    for n in range(30):
        indexer.step()
        commit(log, event(f"step{n}"))
    while indexer.step():
        pass
    indexer.close()
    assert check_index(str(tmp_path / "index"), log, nothing) == 1530


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_index_is_found(log: Backend, path: str, alteration: str) -> None:
    with apsw.Connection(path) as db:
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, terms_0, instance)")
        db.execute(alteration)
    with pytest.raises(IndexDiffers):
        check_index(path, log, nothing)


def test_the_event_that_is_hidden_from_searches_is_named(log: Backend, path: str) -> None:
    with apsw.Connection(path) as db:
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, terms_0, instance)")
        db.execute(ALTERATIONS["a term of one event is gone"])
    with pytest.raises(IndexDiffers, match="of event 7 "):
        check_index(path, log, nothing)


def test_an_index_of_another_log_is_none_of_this(path: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'others.db'}"
    migrate(url)
    other = open_log(url)
    commit(other, event("another"))
    with pytest.raises(IndexForeign):
        check_index(path, other, nothing)
    other.close()


def test_where_there_is_no_index_nothing_is_said_to_hold(log: Backend, tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable):
        check_index(str(tmp_path / "none"), log, nothing)


def test_a_check_leaves_nothing_beside_the_index(log: Backend, path: str) -> None:
    before = sorted(Path(path).parent.iterdir())
    check_index(path, log, nothing)
    assert sorted(Path(path).parent.iterdir()) == before
