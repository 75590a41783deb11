"""Witnesses over HTTP: what is asked of them, and what becomes of each answer."""

import time
from collections.abc import Iterator

import pytest

from audit_service.evidence.checkpoints import Checkpoint, sign_checkpoint
from audit_service.evidence.merkle import consistency_proof
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.notes import Note
from audit_service.evidence.witness import WitnessClient, WitnessDisagrees, WitnessUnavailable
from audit_service.evidence.witness_policy import Witness
from tests.support.evidence_tiles import MemoryTiles
from tests.support.evidence_witness import FakeWitness, cosign, key_of, open_witness, requests_to
from tests.support.sink_server import (
    Behaviour,
    Peer,
    answering,
    closing,
    dribbling,
    flooding,
    hanging,
    open_sink,
)

KEY = generate_key("log.example")
TREE = MemoryTiles()
TREE.add(b"leaf %d" % i for i in range(600))


def note_of(size: int, tree: MemoryTiles = TREE) -> Note:
    return sign_checkpoint(Checkpoint(KEY.name, size, tree.root(size)), KEY)


def offer(client: WitnessClient, size: int, tree: MemoryTiles = TREE) -> int:
    """The time of the cosignature."""
    note = note_of(size, tree)
    return client.offer(note, size, lambda old: consistency_proof(old, size, tree.node)).time


@pytest.fixture
def witness() -> Iterator[FakeWitness]:
    with open_witness(KEY.verifier) as witness:
        yield witness


def test_each_checkpoint_is_offered_with_the_proof_from_the_last(witness: FakeWitness) -> None:
    client = WitnessClient(witness.witness)
    for size in (1, 2, 255, 256, 256, 600):
        assert offer(client, size)
        assert (witness.size, client.known_size) == (size, size)


def test_what_a_witness_knows_already_it_is_asked_for(witness: FakeWitness) -> None:
    offer(WitnessClient(witness.witness), 300)
    with open_sink(witness.behave) as sink:
        again = WitnessClient(Witness("w", key_of(witness.key), sink.url))
        offer(again, 400)
        assert requests_to(sink) == ["old 0", "old 300"]


def test_a_witness_that_saw_more_disagrees_until_it_does_not(witness: FakeWitness) -> None:
    client = WitnessClient(witness.witness)
    offer(client, 300)
    for _ in range(2):
        with pytest.raises(WitnessDisagrees, match="saw 300 events where there are 299"):
            offer(client, 299)
    offer(client, 301)


def test_a_witness_that_saw_another_tree_disagrees(witness: FakeWitness) -> None:
    client, other = WitnessClient(witness.witness), MemoryTiles()
    other.add(b"other %d" % i for i in range(400))
    offer(client, 300)
    for size in (300, 400):
        with pytest.raises(WitnessDisagrees, match="another tree of 300 events"):
            offer(client, size, other)
    offer(client, 301)


def test_a_witness_that_does_not_know_the_log_is_unavailable() -> None:
    with (
        open_witness(generate_key(KEY.name).verifier) as witness,
        pytest.raises(WitnessUnavailable, match="answered 403"),
    ):
        offer(WitnessClient(witness.witness), 1)


def test_a_cosignature_by_another_key_is_none(witness: FakeWitness) -> None:
    other = Witness("w1", key_of(generate_key(witness.name)), witness.url)
    with pytest.raises(WitnessUnavailable, match="without a cosignature"):
        offer(WitnessClient(other), 1)


def test_a_cosignature_of_another_checkpoint_is_none() -> None:
    key = generate_key("witness.example")
    answer = str(cosign(note_of(2).text, key)).encode()
    with open_sink(answering(200, body=answer)) as sink:
        client = WitnessClient(Witness("w1", key_of(key), sink.url))
        with pytest.raises(WitnessUnavailable, match="without a cosignature"):
            offer(client, 1)
        assert offer(client, 2)


def test_cosignatures_of_others_beside_its_own_are_ignored() -> None:
    key = generate_key("witness.example")
    lines = [cosign(note_of(2).text, each) for each in (generate_key("other.example"), key)]
    with open_sink(answering(200, body="".join(map(str, lines)).encode())) as sink:
        assert offer(WitnessClient(Witness("w1", key_of(key), sink.url)), 2)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
FAULTS = {
    "closing": closing,
    "hanging": hanging(),
    "hanging in its body": hanging(HEAD),
    "dribbling": dribbling(HEAD, pause=0.01),
    "flooding": flooding(HEAD),
    "flooding without end": flooding(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
    "no signatures": answering(200, body=b"hello\n"),
    "no text": answering(200, body=b"\xff\n"),
    "nothing": answering(200),
    "500": answering(500),
    "a redirect": answering(307, ["Location: /elsewhere"]),
    "409 without a size": answering(409, body=b"conflict\n"),
    "404": answering(404),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_witness_without_an_answer_is_unavailable_in_time(fault: str) -> None:
    behave: Behaviour = FAULTS[fault]
    with open_sink(behave) as sink:
        client = WitnessClient(Witness("w1", key_of(generate_key("w")), sink.url), timeout=0.5)
        before = time.monotonic()
        with pytest.raises(WitnessUnavailable):
            offer(client, 1)
        assert time.monotonic() - before < 10
        client.close()


def test_a_witness_that_says_another_size_each_time_is_unavailable() -> None:
    sizes = iter(range(1, 9))

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        body = b"%d\n" % next(sizes)
        peer.send(b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n" % len(body), body)
        return True

    with open_sink(behave) as sink:
        client = WitnessClient(Witness("w1", key_of(generate_key("w")), sink.url))
        with pytest.raises(WitnessUnavailable, match="another size meanwhile"):
            offer(client, 600)
