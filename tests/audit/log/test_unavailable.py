"""The log while its database cannot be used, on every backend."""

import pytest

from audit_service.log import (
    Backend,
    LogUnavailable,
    Outcome,
    Receipt,
    migrate,
    open_log,
)
from tests.support.log_databases import Store, commit, everything, ids
from tests.support.log_processes import event


def test_a_log_is_unavailable_while_its_lock_is_held_too_long(store: Store) -> None:
    migrate(store.url)
    backend = open_log(store.url, lock_seconds=0.02)
    commit(backend, event("a"))
    with store.locked():
        with pytest.raises(LogUnavailable):
            commit(backend, event("b"))
        assert ids(everything(backend)) == ["a"]
    assert commit(backend, event("c")) == [Receipt(2, Outcome.STORED)]
    backend.close()


def test_a_closed_log_is_unavailable(backend: Backend) -> None:
    backend.close()
    for use in (lambda: everything(backend), lambda: backend.get(1), backend.ping):
        with pytest.raises(LogUnavailable):
            use()


def test_a_log_that_is_not_there_is_unavailable(store: Store) -> None:
    with pytest.raises(LogUnavailable):
        open_log(store.nowhere)
