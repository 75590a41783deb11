"""Rows of older versions: what is derived of them holds, in the form that they were stored in."""

import shutil
from pathlib import Path

import apsw
import pytest

from audit_service.evidence.hashed_rows import hash_stored
from audit_service.log import migrate
from audit_service.log.stored_rows import stored_rows

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("version", ["0003", "0004", "0005", "0006"])
def test_the_digests_of_an_older_log_hold(version: str, tmp_path: Path) -> None:
    file = tmp_path / "events.db"
    shutil.copy(FIXTURES / f"log-{version}.db", file)
    url = f"sqlite:///{file}"
    migrate(url)
    with stored_rows(url) as rows:
        last = rows.last()
        versions = {row.version for row in rows.between(0, last)}
    assert (None in versions) is (version == "0003")
    hashed = hash_stored(url, "", 0, last, 0)
    assert (hashed.altered, hashed.count) == (None, last)


def test_an_older_digest_that_was_altered_does_not_hold(tmp_path: Path) -> None:
    file = tmp_path / "events.db"
    shutil.copy(FIXTURES / "log-0003.db", file)
    url = f"sqlite:///{file}"
    migrate(url)
    db = apsw.Connection(str(file))
    db.execute("DROP TRIGGER event_is_never_changed")
    db.execute("UPDATE event SET digest = zeroblob(32) WHERE position = 5")
    db.close()
    altered = hash_stored(url, "", 0, 10, 0).altered
    assert altered is not None
    assert altered.position == 5
