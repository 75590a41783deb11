"""File at the index's place that is no index: it is left as it is, whatever is wrong with it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from audit_service.cli import main
from audit_service.log import Backend, migrate, open_log
from audit_service.search import SearchIndex
from audit_service.search.index.indexer import Indexer
from audit_service.settings import Settings
from service_kit import disk_reserve
from service_kit.settings.base import SettingsError
from tests.support.log_databases import commit
from tests.support.log_processes import event


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Backend]:
    url = f"sqlite:///{tmp_path}/events.db"
    migrate(url)
    with closing(open_log(url)) as backend:
        commit(backend, event("1"))
        yield backend


def database(path: Path) -> None:
    """Somebody's database."""
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("users.db", database),
        ("users.db-index", database),
        ("notes.txt", lambda path: path.write_text("mine")),
        ("card-index", lambda path: path.write_text("mine")),
    ],
)
def test_a_file_that_is_no_index_is_left_alone(
    log: Backend, tmp_path: Path, name: str, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "theirs" / name
    path.parent.mkdir()
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    with closing(Indexer(log, str(path), disk_reserve.always)) as indexer, capture_logs() as lines:
        assert [indexer.step() for _ in range(3)] == [0, 0, 0]
    assert [line["event"] for line in lines] == ["the index cannot be written"]
    with closing(SearchIndex(str(path), log)) as index:
        assert index.mark() is None
    monkeypatch.setenv("AUDIT_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.setenv("AUDIT_SERVICE_INDEX", str(path))
    result = CliRunner().invoke(main, ["index", "rebuild"])
    assert result.exit_code == 69
    assert "no index" in result.output
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["events.db", "./events.db", "link", "hard"])
def test_the_log_itself_is_refused_as_an_index(
    log: Backend, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "events.db")
    (tmp_path / "hard").hardlink_to(tmp_path / "events.db")
    monkeypatch.setenv("AUDIT_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.setenv("AUDIT_SERVICE_INDEX", f"{tmp_path}/{place}")
    with pytest.raises(SettingsError, match="AUDIT_SERVICE_INDEX: must not be the log"):
        Settings.load()


@pytest.mark.parametrize(
    ("log_name", "index_name"),
    [
        ("audit-journal", "audit"),
        ("audit-wal", "audit"),
        ("audit-made", "audit"),
        ("e.db", "e.db-wal"),
    ],
)
def test_what_is_beside_the_log_is_refused_as_an_index_and_the_other_way_round(
    tmp_path: Path, log_name: str, index_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/{log_name}")
    monkeypatch.setenv("AUDIT_SERVICE_INDEX", f"{tmp_path}/{index_name}")
    with pytest.raises(SettingsError, match="AUDIT_SERVICE_INDEX: must not be the log"):
        Settings.load()


def test_a_database_that_has_the_name_of_a_journal_is_left_alone(
    log: Backend, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs-journal"
    database(theirs)
    before = theirs.read_bytes()
    with closing(Indexer(log, str(tmp_path / "theirs"), disk_reserve.always)) as indexer:
        indexer.step()
    assert theirs.read_bytes() == before


def test_a_log_that_is_not_there_yet_is_refused_as_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setenv("AUDIT_SERVICE_INDEX", f"{tmp_path}/./new.db")
    with pytest.raises(SettingsError, match="AUDIT_SERVICE_INDEX: must not be the log"):
        Settings.load()
