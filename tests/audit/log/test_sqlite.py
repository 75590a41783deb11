"""Log in a SQLite file that is gone, replaced, or no database."""

from pathlib import Path
from typing import Any

import pytest

from audit_service.log import LogUnavailable, migrate, open_log
from tests.support.log_databases import SqliteStore, commit
from tests.support.log_processes import event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.db"


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("events_before", [0, 1])
def test_a_file_that_is_gone_or_replaced_is_unavailable(
    path: Path, events_before: int, *, replaced: bool
) -> None:
    store = SqliteStore(path)
    migrate(store.url)
    backend = open_log(store.url)
    for n in range(events_before):
        commit(backend, event(f"before {n}"))
    path.parent.rename(path.parent.with_name("elsewhere"))
    if replaced:
        migrate(store.url)
    for use in (lambda: commit(backend, event("a")), lambda: backend.get(1), backend.ping):
        with pytest.raises(LogUnavailable):
            use()
    backend.close()


@pytest.mark.parametrize("use", [open_log, migrate])
def test_a_file_that_is_no_database_is_unavailable(path: Path, use: Any) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(LogUnavailable):
        use(SqliteStore(path).url)


@pytest.mark.parametrize("use", [open_log, migrate])
def test_a_directory_is_unavailable(path: Path, use: Any) -> None:
    path.mkdir(parents=True)
    with pytest.raises(LogUnavailable):
        use(SqliteStore(path).url)


@pytest.mark.parametrize("use", [open_log, migrate])
def test_a_path_below_a_file_is_unavailable(path: Path, use: Any) -> None:
    path.parent.write_bytes(b"")
    with pytest.raises(LogUnavailable):
        use(SqliteStore(path).url)
