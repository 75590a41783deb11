"""Witnessing: offers, what becomes of them, and what is shown of them, on both databases."""

from collections.abc import Iterator

import pytest

from audit_service.evidence.checkpoints import open_checkpoint
from audit_service.evidence.cosignatures import cosignatures
from audit_service.evidence.integrator import Integrator
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.served_tree import ServedTree
from audit_service.evidence.status import EvidenceStatus
from audit_service.evidence.witness import WitnessClient
from audit_service.evidence.witness_policy import WitnessPolicy, parse_policy
from audit_service.evidence.witness_table import StoredCosignature
from audit_service.evidence.witnessed import PATIENCE, witnessed
from audit_service.evidence.witnessing import WitnessOffers, objection
from audit_service.log import Backend
from tests.support.evidence_log import KEY, SignedLog, signed_log
from tests.support.evidence_witness import FakeWitness, open_witness
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event


@pytest.fixture
def signed(store: Store, backend: Backend) -> Iterator[SignedLog]:
    with signed_log(store, backend) as opened:
        yield opened


@pytest.fixture
def witness() -> Iterator[FakeWitness]:
    with open_witness(KEY.verifier) as opened:
        yield opened


@pytest.fixture
def policy(witness: FakeWitness) -> WitnessPolicy:
    return parse_policy(f"{witness.policy_line}quorum {witness.name}\n".encode())


@pytest.fixture
def offers(signed: SignedLog, policy: WitnessPolicy) -> WitnessOffers:
    return WitnessOffers(signed.tree, WitnessClient(policy.witnesses[0], timeout=1))


def grow(signed: SignedLog, name: str, count: int = 300) -> None:
    commit(signed.log, *(event(f"{name}-{n}") for n in range(count)))
    signed.catch_up()


def shown(signed: SignedLog, policy: WitnessPolicy, patience: int = PATIENCE) -> tuple[int, int]:
    """Size of the checkpoint that is shown, and how many witnesses of the policy cosigned it."""
    content = ServedTree(signed.log, signed.tree, policy, patience).checkpoint()
    assert content is not None
    checkpoint, note = open_checkpoint(content, KEY.verifier)
    found = cosignatures(note.text, note.signatures, policy.witness_keys)
    return checkpoint.size, len(found)


def test_what_grows_is_offered_and_shown_with_its_cosignature(
    signed: SignedLog, witness: FakeWitness, policy: WitnessPolicy, offers: WitnessOffers
) -> None:
    signed.catch_up()
    offers.step()
    assert witness.size == 0
    for n in (1, 2, 3):
        grow(signed, f"{n}")
        offers.step()
        assert witness.size == 300 * n
        assert shown(signed, policy) == (300 * n, 1)
        found = witnessed(signed.tree, policy)
        assert found is not None
        assert found.seconds_waited() == 0


def test_a_checkpoint_waits_for_its_quorum_a_little(
    signed: SignedLog,
    policy: WitnessPolicy,
    offers: WitnessOffers,
) -> None:
    grow(signed, "a")
    # None was witnessed, and so nothing is waited for.
    assert shown(signed, policy) == (300, 0)
    offers.step()
    grow(signed, "b")
    assert shown(signed, policy) == (300, 1)
    assert shown(signed, policy, patience=-1) == (600, 0)


def test_a_proof_is_against_what_was_witnessed_where_that_covers_the_event(
    signed: SignedLog, policy: WitnessPolicy, offers: WitnessOffers
) -> None:
    grow(signed, "a")
    offers.step()
    grow(signed, "b")
    tree = ServedTree(signed.log, signed.tree, policy)
    sizes = [head.size for position in (1, 300, 301, 600) if (head := tree.head(position))]
    assert sizes == [300, 300, 600, 600]
    assert tree.head(601) is None


def test_a_witness_that_is_away_is_offered_the_newest_later(
    signed: SignedLog, witness: FakeWitness, offers: WitnessOffers
) -> None:
    grow(signed, "a")
    url, witness.url = witness.url, "http://127.0.0.1:1"
    away = WitnessOffers(signed.tree, WitnessClient(witness.witness, timeout=1))
    away.step()
    assert signed.tree.cosignatures() == []
    assert signed.tree.objections() == {}
    witness.url = url
    grow(signed, "b")
    offers.step()
    assert [each.size for each in signed.tree.cosignatures()] == [600]


def test_one_that_saw_a_longer_tree_stops_the_signing_until_it_cosigns(
    store: Store,
    signed: SignedLog,
    witness: FakeWitness,
    policy: WitnessPolicy,
    offers: WitnessOffers,
) -> None:
    grow(signed, "a")
    witness.size, witness.root = 301, b"x" * 32
    offers.step()
    key = signed.key_source
    status = EvidenceStatus(signed.log, signed.tree, key, policy)
    assert "saw 301 events where there are 300" in str(status.report()["stopped"])
    stopped = Integrator(
        *(signed.records, signed.tree, key, signed.has_room, signed.clock),
        objection=lambda: objection(signed.tree, policy),
    )
    commit(signed.log, event("later"))
    signed.clock.now += 1
    stopped.step()
    assert signed.size == 300
    # A policy without it does not listen to it.
    assert objection(signed.tree, parse_policy(b"quorum none\n")) is None
    witness.size = 0
    offers.step()
    assert status.report()["stopped"] is None
    assert status.report()["witnessed"] == {"size": 300, "waiting_seconds": 0.0}
    signed.wait()
    stopped.step()
    assert signed.size == 301


def test_one_that_saw_what_another_process_signed_meanwhile_objects_to_nothing(
    signed: SignedLog, witness: FakeWitness, offers: WitnessOffers
) -> None:
    grow(signed, "a")
    before = witness.witness
    original = signed.tree.publish_newest

    def faster() -> object:
        head = original()
        grow(signed, "b")
        WitnessOffers(signed.tree, WitnessClient(before)).step()
        return head

    class Faster:
        """The tree, which another process lets grow while this one offers."""

        def __getattr__(self, name: str) -> object:
            return faster if name == "publish_newest" else getattr(signed.tree, name)

    WitnessOffers(Faster(), WitnessClient(before)).step()  # type: ignore[arg-type]
    assert signed.tree.objections() == {}
    assert witness.size == 600


def test_cosignatures_of_others_count_for_nothing(
    signed: SignedLog, policy: WitnessPolicy, offers: WitnessOffers
) -> None:
    grow(signed, "a")
    stranger = str(generate_key("stranger.example").verifier)
    signed.tree.add_cosignature(StoredCosignature(300, stranger, 0, "— a AAAAAAAA\n"))
    assert shown(signed, policy) == (300, 0)
    offers.step()
    assert shown(signed, policy) == (300, 1)
