"""Alterations of a stored log, on both databases: the verifier key alone shows each of them, and
what others kept shows a whole older copy.
"""

import pytest

from audit_service.evidence.checked_heads import ask_witnesses
from audit_service.evidence.hashed_rows import Altered
from audit_service.evidence.notes import parse_note
from audit_service.evidence.stored_log import StoredLog
from audit_service.evidence.verification import LogUnverifiable
from audit_service.evidence.witness_policy import parse_policy
from audit_service.log import Backend
from tests.support.evidence_copies import (
    COUNTS,
    Copies,
    append,
    false_alarms,
    missed_alterations,
    verified,
)
from tests.support.evidence_log import KEY, signed_log
from tests.support.evidence_witness import FakeWitness, open_witness
from tests.support.log_databases import Store

IN_CI = 50


@pytest.fixture
def copies(store: Store) -> Copies:
    return Copies(store)


def test_every_alteration_is_detected(copies: Copies) -> None:
    assert missed_alterations(copies, IN_CI) == []


def test_no_log_that_is_as_it_was_is_taken_for_altered(copies: Copies) -> None:
    assert false_alarms(copies, IN_CI) == []


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


def ask(url: str, witness: FakeWitness) -> None:
    """What `--policy` does."""
    policy = parse_policy(f"{witness.policy_line}quorum {witness.name}\n".encode())
    with StoredLog(url) as log:
        head, stored = log.heads(KEY.verifier)[-1]
        ask_witnesses(log, parse_note(stored.note), head, KEY.verifier, policy)


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
