"""A stored log is altered, again and again in all ways: each time it is detected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.evidence_copies import Copies, false_alarms, missed_alterations
from tests.support.log_databases import PostgresStore, SqliteStore, Store

pytestmark = pytest.mark.faults

ALTERATIONS = 10, 1000


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "log" / "events.db")
    return PostgresStore(request.getfixturevalue("postgres_url"))


def test_every_alteration_is_detected(store: Store, times: Callable[[int, int], int]) -> None:
    assert missed_alterations(Copies(store), times(*ALTERATIONS)) == []


def test_no_log_is_taken_for_altered(store: Store, times: Callable[[int, int], int]) -> None:
    assert false_alarms(Copies(store), times(*ALTERATIONS)) == []
