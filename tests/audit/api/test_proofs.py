"""`GET /v1/events/{position}/proof`: what it proves, and to whom, on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from audit_service.evidence.leaf import leaf_of
from audit_service.evidence.merkle import ProofInvalid, leaf_hash
from audit_service.evidence.proof_text import parse_proof
from audit_service.evidence.record_text import read_record, unpacked
from audit_service.evidence.witness_policy import WitnessPolicy
from tests.support.audit_access import opened
from tests.support.audit_client import PROBLEM
from tests.support.evidence_log import KEY, SIZE, SignedLog
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event


@pytest.fixture
def client(store: Store, signed: SignedLog) -> Iterator[FlaskClient]:
    app = opened(store, log_key=KEY.private_text)
    yield app.test_client()
    app.close()


def proven(client: FlaskClient, position: int, of: int | None = None) -> int:
    """Size of the checkpoint by which the event is proven by the proof at another position."""
    answer = client.get(f"/v1/events/{position}/proof")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    proof = parse_proof(answer.data)
    assert proof.index == position - 1
    record = read_record(client.get(f"/v1/events/{of or position}").data)
    leaf = leaf_hash(leaf_of(replace(record, salts=unpacked(proof.extra))))
    return proof.check(leaf, KEY.verifier, WitnessPolicy()).size


@pytest.mark.parametrize("position", [1, 2, 256, 257, 512, SIZE])
def test_an_event_is_proven_to_who_has_its_proof_and_the_key(
    client: FlaskClient, position: int
) -> None:
    assert proven(client, position) == SIZE


def test_a_proof_is_of_its_event_alone(client: FlaskClient) -> None:
    with pytest.raises(ProofInvalid):
        proven(client, 7, of=8)


def test_an_event_that_is_not_signed_yet_has_a_proof_later(
    client: FlaskClient, signed: SignedLog
) -> None:
    commit(signed.log, event("later"))
    answer = client.get(f"/v1/events/{SIZE + 1}/proof")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("2", "no-store")
    signed.catch_up()
    assert proven(client, SIZE + 1) == SIZE + 1


@pytest.mark.parametrize("position", [0, SIZE + 1, 2**63, 10**30])
def test_what_is_not_there_has_none(client: FlaskClient, position: int) -> None:
    answer = client.get(f"/v1/events/{position}/proof")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (404, None)


def test_the_checkpoint_of_a_proof_is_kept_for_ever(client: FlaskClient, signed: SignedLog) -> None:
    assert proven(client, 1) == SIZE
    for n in range(3):
        commit(signed.log, event(f"later-{n}"))
        signed.catch_up()
    assert SIZE in [head.size for head in signed.tree.heads(-1)]
