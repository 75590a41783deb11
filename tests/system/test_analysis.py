"""Analysis of an export: the queries in the document do what it says."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import requests

from tests.support import processes, terminal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export."""
    made = tmp_path_factory.mktemp("analysis")
    with processes.audit_service(made) as audit, requests.Session() as session:
        for _ in range(3):
            processes.post_event(session, audit.url, processes.fresh_id())
        words = ["audit-service", "export", "-o", str(made / "events.parquet"), "--url", audit.url]
        assert terminal.run(words).code == 0
    return made


def block(language: str) -> str:
    """The block of that language in the document's section."""
    text = Path("docs/operations.md").read_text().partition("## Analysis of an export")[2]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_query_in_duckdb(folder: Path) -> None:
    query = block("sql").replace("events.parquet", str(folder / "events.parquet"))
    with duckdb.connect() as db:
        ((kind, count, _),) = db.execute(query).fetchall()
    assert (kind, count) == ("test.event", 3)


def test_the_query_in_pandas(folder: Path) -> None:
    code = block("python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert re.search(r"test\.event\s+3", done.stdout)
