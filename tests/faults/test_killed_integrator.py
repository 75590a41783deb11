"""Processes that sign a log are killed, at any moment and while others sign it, too."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.log_key import write_key
from audit_service.evidence.tree_store import open_tree
from audit_service.log import Backend, migrate, open_log
from tests.audit.evidence.naive_tree import root
from tests.support.evidence_log import signed_log
from tests.support.log_databases import PostgresStore, SqliteStore, Store, commit
from tests.support.log_processes import event
from tests.support.postgres import HOW_TO_GET_IT, is_there

pytestmark = pytest.mark.faults

LONGEST_LIFE = 0.15


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "events.db")
    if not is_there():
        pytest.skip(HOW_TO_GET_IT)
    return PostgresStore(request.getfixturevalue("postgres_url"))


def begun(url: str, key_file: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.support.integrating_process", url, str(key_file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def live_and_die(processes: "list[subprocess.Popen[str]]", log: Backend, life: float) -> None:
    """Let events come while both sign, until one after the other is killed."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    ends = time.monotonic() + life
    while time.monotonic() < ends:
        commit(log, *(event(f"{time.monotonic_ns()}-{n}") for n in range(3)))
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.timeout(3600)
def test_no_two_checkpoints_are_inconsistent_and_no_event_is_without_its_leaf(
    store: Store, tmp_path: Path, times: Callable[[int, int], int]
) -> None:
    key = write_key(str(tmp_path / "log.key"), "log.example")
    migrate(store.url)
    log, tree = open_log(store.url), open_tree(store.url)
    given: list[Checkpoint] = []
    for _ in range(times(4, 200)):
        both = [begun(store.url, tmp_path / "log.key") for _ in range(2)]
        live_and_die(both, log, random.uniform(0, LONGEST_LIFE))
        newest = tree.publish_newest()
        if newest is not None:
            given.append(open_checkpoint(newest.note, key.verifier)[0])
    with signed_log(store, log, key) as signed:
        signed.catch_up()
        given.append(signed.checkpoint(key))
        leaves = signed.leaves()
    assert given[-1].size == log.last() == len(leaves)
    assert {each.size for each in given} != {0, len(leaves)}
    for each in given:
        assert each.root == root(leaves[: each.size])
    tree.close()
    log.close()
