"""Alterations of a stored log, on both databases: the verifier key alone shows each of them, and
what others kept shows a whole older copy.
"""

import random
from collections.abc import Callable
from functools import partial

import pytest

from audit_service.evidence.checked_heads import ask_witnesses
from audit_service.evidence.checkpoints import Checkpoint
from audit_service.evidence.hashed_rows import Altered
from audit_service.evidence.notes import Note
from audit_service.evidence.stored_log import StoredLog
from audit_service.evidence.verification import LogUnverifiable
from audit_service.evidence.witness_policy import parse_policy
from audit_service.log import Backend
from tests.support.evidence_alterations import database
from tests.support.evidence_copies import (
    COUNTS,
    Copies,
    append,
    false_alarms,
    missed_alterations,
    verified,
)
from tests.support.evidence_log import KEY, alter_log, alter_tree, signed_log
from tests.support.evidence_witness import FakeWitness, open_witness
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event

IN_CI = 50


@pytest.fixture
def copies(store: Store) -> Copies:
    return Copies(store)


def test_every_alteration_is_detected(copies: Copies) -> None:
    assert missed_alterations(copies, IN_CI) == []


def test_no_log_that_is_as_it_was_is_taken_for_altered(copies: Copies) -> None:
    assert false_alarms(copies, IN_CI) == []


@pytest.mark.parametrize(("kept", "lost"), [(200, 66), (255, 2), (100, 200), (256, 1)])
def test_a_newest_checkpoint_that_was_deleted_is_missed(
    store: Store, backend: Backend, kept: int, lost: int
) -> None:
    choose = random.Random(5)
    with signed_log(store, backend) as signed:
        for count in (kept, lost):
            append(backend, choose, count)
            signed.catch_up()
            # One that others have is kept.
            signed.tree.publish_newest()
        assert verified(store.url).checkpoint.size == kept + lost
        alter_tree(store, f"DELETE FROM tree_checkpoint WHERE size > {kept}")
        with pytest.raises(Altered, match="the newest checkpoint"):
            verified(store.url)


HIDDEN = {
    "an attribute in the name of another": """UPDATE event SET time = NULL, subject = NULL,
        extensions = '{"subject 1 a\\ntime":"2026-01-01T00:00:00Z"}' WHERE position = 1""",
    "a type in the extensions": """UPDATE event SET type = 'shown',
        extensions = '{"type":"t"}' WHERE position = 1""",
    "extensions in another form": "UPDATE event SET extensions = '{}' WHERE position = 1",
    "another empty tolerance": "UPDATE event SET tolerated = '' WHERE position = 1",
}


@pytest.mark.parametrize("sql", HIDDEN.values(), ids=HIDDEN)
def test_no_row_has_another_form_than_its_event(store: Store, backend: Backend, sql: str) -> None:
    commit(backend, event("e", subject="a", time="2026-01-01T00:00:00Z"))
    with signed_log(store, backend) as signed:
        signed.catch_up()
    assert verified(store.url).events == 1
    alter_log(store, sql)
    with pytest.raises(Altered, match="event 1 "):
        verified(store.url)


def test_an_event_before_the_first_is_found(store: Store, backend: Backend) -> None:
    commit(backend, event("e"))
    with signed_log(store, backend) as signed:
        signed.catch_up()
        commit(backend, event("f"))
        alter_log(store, "UPDATE event SET position = 0 WHERE position = 2")
        with pytest.raises(Altered, match="an event at 0, before the first"):
            verified(store.url)


def test_the_position_is_said_where_a_checkpoint_is_within_a_tile(
    store: Store, backend: Backend
) -> None:
    with signed_log(store, backend) as signed:
        for name in "ab":
            commit(backend, *(event(f"{name}{n}") for n in range(60)))
            signed.catch_up()
        alter_log(store, "UPDATE event SET sender = 'x' WHERE position = 50")
        with pytest.raises(Altered, match="event 50 is not what was signed"):
            verified(store.url)


def test_what_is_no_cosignature_any_more_is_no_fault_of_the_log(
    store: Store, backend: Backend
) -> None:
    commit(backend, event("e"))
    with signed_log(store, backend) as signed:
        signed.catch_up()
        alter_tree(store, "INSERT INTO tree_cosignature VALUES (1, 'w', 5, 'rubbish')")
        with StoredLog(store.url) as log:
            (_, head), *_ = log.heads(KEY.verifier)[::-1]
            assert len(log.note(head).signatures) == 1


def test_what_is_not_signed_yet_is_said_and_not_counted(copies: Copies) -> None:
    with copies.signed_copy() as (url, signed):
        append(signed.log, copies.choose, 5)
        found = verified(url)
    assert (found.checkpoint.size, found.events) == (sum(COUNTS), sum(COUNTS) + 5)


def test_a_whole_older_copy_is_detected_by_a_checkpoint_that_was_kept(copies: Copies) -> None:
    with copies.signed_copy() as (_, signed):
        kept = copies.grow(signed, 30)
    with copies.copy() as url:
        # The log as it was before, with all that is beside it: it holds, but it is not all.
        assert verified(url).checkpoint.size == sum(COUNTS)
        with pytest.raises(Altered, match=f"{sum(COUNTS) + 30} events were signed before"):
            verified(url, kept)


def test_an_older_copy_that_grew_anew_is_detected_by_a_checkpoint_that_was_kept(
    copies: Copies,
) -> None:
    with copies.signed_copy() as (url, signed):
        kept = copies.grow(signed, 30)
        assert verified(url, kept)
    with copies.signed_copy() as (url, signed):
        copies.grow(signed, 40)
        assert verified(url)
        with pytest.raises(Altered, match="another than was signed"):
            verified(url, kept)


def ask(url: str, witness: FakeWitness, meanwhile: Callable[[], object] = lambda: None) -> None:
    """What `--policy` does; `meanwhile`: done while the log is verified."""
    policy = parse_policy(f"{witness.policy_line}quorum {witness.name}\n".encode())
    with StoredLog(url) as log:
        head, _ = log.heads(KEY.verifier)[-1]
        meanwhile()
        ask_witnesses(log, partial(log.newest, KEY.verifier), head, KEY.verifier, policy)


def test_a_whole_older_copy_is_detected_by_a_witness(copies: Copies) -> None:
    with open_witness(KEY.verifier) as witness:
        with copies.signed_copy() as (url, signed):
            copies.grow(signed, 30)
            ask(url, witness)
        with copies.copy() as url:
            assert verified(url)
            with pytest.raises(Altered, match="saw 577 events where there are 547"):
                ask(url, witness)
        with copies.signed_copy() as (url, signed):
            copies.grow(signed, 40)
            assert verified(url)
            with pytest.raises(Altered, match="another tree"):
                ask(url, witness)


def test_a_log_that_grows_and_is_witnessed_while_it_is_verified_is_no_other(
    copies: Copies,
) -> None:
    with open_witness(KEY.verifier) as witness, copies.signed_copy() as (url, signed):
        ask(url, witness)

        def grow() -> None:
            copies.grow(signed, 30)
            ask(url, witness)

        ask(url, witness, meanwhile=grow)
        assert witness.size == sum(COUNTS) + 30


def test_one_that_is_cosigned_while_an_older_one_is_offered_is_offered_then(
    copies: Copies,
) -> None:
    with open_witness(KEY.verifier) as witness, copies.signed_copy() as (url, signed):
        policy = parse_policy(f"{witness.policy_line}quorum {witness.name}\n".encode())
        with StoredLog(url) as log:
            head, _ = log.heads(KEY.verifier)[-1]
            stale = [log.newest(KEY.verifier)]
            copies.grow(signed, 30)
            ask(url, witness)

            def newest() -> tuple[Checkpoint, Note]:
                return stale.pop() if stale else log.newest(KEY.verifier)

            ask_witnesses(log, newest, head, KEY.verifier, policy)
        assert witness.size == sum(COUNTS) + 30


def test_a_newer_checkpoint_that_continues_another_log_is_found(copies: Copies) -> None:
    with open_witness(KEY.verifier) as witness, copies.signed_copy() as (url, signed):
        copies.grow(signed, 30)

        def alter() -> None:
            with database(url) as db:
                db.run("DELETE FROM tree_checkpoint WHERE size > 300")

        with pytest.raises(Altered, match="does not continue"):
            ask(url, witness, meanwhile=alter)


def test_without_an_answer_of_the_witnesses_nothing_is_known(copies: Copies) -> None:
    with open_witness(KEY.verifier) as witness, copies.copy() as url:
        ask(url, witness)
        witness.url = "http://127.0.0.1:1"
        with pytest.raises(LogUnverifiable, match="cannot be reached"):
            ask(url, witness)


def test_an_empty_log_that_is_signed_holds(store: Store, backend: Backend) -> None:
    with pytest.raises(LogUnverifiable, match="nothing of the log is signed yet"):
        verified(store.url)
    with signed_log(store, backend) as signed:
        signed.catch_up()
        assert verified(store.url).events == 0
