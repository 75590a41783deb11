"""Logs written in our formats, before programs that nobody here wrote."""

import subprocess
from pathlib import Path

import pytest

from audit_service.evidence.checkpoints import Checkpoint, sign_checkpoint
from audit_service.evidence.merkle import consistency_proof
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.notes import Note
from audit_service.evidence.witness import WitnessClient, WitnessDisagrees, WitnessUnavailable
from tests.support import go_tools
from tests.support.evidence_tiles import MemoryTiles
from tests.support.evidence_tools import Fsck, Litewitness
from tests.support.static_log import serving, write_log

ROOT = Path(__file__).parents[1]
KEY = generate_key("log.example/static")
SIZES = [1, 255, 256, 257, 1000, 70_000]


def entries(size: int) -> list[bytes]:
    return [b"audit-leaf/v1\n%d\n" % i for i in range(1, size + 1)]


@pytest.mark.parametrize("name", ["notes", "trees"])
def test_the_vectors_are_those_that_go_makes(name: str) -> None:
    made = go_tools.run_ours("vectors", name)
    assert made == (ROOT / "vectors" / f"{name}.json").read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_fsck_accepts_a_log(size: int, fsck: Fsck, tmp_path: Path) -> None:
    write_log(tmp_path / "log", entries(size), KEY)
    with serving(tmp_path / "log") as url:
        assert fsck.accepts(url, KEY.verifier), fsck.output


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/1/000.p/3", "tile/entries/001"])
def test_fsck_refuses_a_log_with_one_byte_altered(path: str, fsck: Fsck, tmp_path: Path) -> None:
    write_log(tmp_path / "log", entries(1000), KEY)
    file = tmp_path / "log" / path
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    with serving(tmp_path / "log") as url:
        assert not fsck.accepts(url, KEY.verifier)


def test_fsck_refuses_a_log_of_another_key(fsck: Fsck, tmp_path: Path) -> None:
    write_log(tmp_path / "log", entries(3), generate_key(KEY.name))
    with serving(tmp_path / "log") as url:
        assert not fsck.accepts(url, KEY.verifier)


def go_accepts(program: Path, *arguments: object) -> bool:
    words = [str(program), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("size", SIZES)
def test_go_verifies_checkpoint_inclusion_and_consistency(
    size: int, go_verify: Path, tmp_path: Path
) -> None:
    older = []
    for old in {1, size // 2 or 1, size}:
        older.append(tmp_path / f"checkpoint-{old}")
        older[-1].write_bytes(write_log(tmp_path / "old", entries(old), KEY))
    write_log(tmp_path / "log", entries(size), KEY)
    with serving(tmp_path / "log") as url:
        for index in {0, size // 2, size - 1}:
            assert go_accepts(go_verify, url, KEY.verifier, index, *older)
        assert not go_accepts(go_verify, url, generate_key(KEY.name).verifier, 0)


def test_go_refuses_what_does_not_begin_with_an_older_checkpoint(
    go_verify: Path, tmp_path: Path
) -> None:
    write_log(tmp_path / "log", entries(1000), KEY)
    other = tmp_path / "other"
    other.write_bytes(write_log(tmp_path / "old", [b"other", *entries(299)], KEY))
    with serving(tmp_path / "log") as url:
        assert go_accepts(go_verify, url, KEY.verifier, 0)
        assert not go_accepts(go_verify, url, KEY.verifier, 0, other)


def offer(client: WitnessClient, tree: MemoryTiles, size: int) -> int:
    """Offer a checkpoint of the tree as it was at a size."""
    note = sign_checkpoint(Checkpoint(KEY.name, size, tree.root(size)), KEY)
    return client.offer(note, size, lambda old: consistency_proof(old, size, tree.node)).time


def test_a_real_witness_cosigns_what_grows_and_refuses_what_does_not(
    litewitness: Litewitness,
) -> None:
    tree, other = MemoryTiles(), MemoryTiles()
    tree.add(entries(1000))
    other.add([b"other", *entries(999)])
    client = WitnessClient(litewitness.witness)
    with pytest.raises(WitnessUnavailable, match="answered 403"):
        offer(client, tree, 1)
    litewitness.make_known(KEY.verifier)
    for size in (1, 2, 256, 257, 257, 900):
        assert offer(client, tree, size)
        assert litewitness.seen(KEY.verifier) == size
    with pytest.raises(WitnessDisagrees, match="saw 900 events where there are 899"):
        offer(client, tree, 899)
    with pytest.raises(WitnessDisagrees, match="another tree"):
        offer(client, other, 1000)
    assert offer(WitnessClient(litewitness.witness), tree, 1000)


def test_a_real_witness_refuses_a_forged_checkpoint(litewitness: Litewitness) -> None:
    litewitness.make_known(KEY.verifier)
    tree = MemoryTiles()
    tree.add(entries(3))
    forged = sign_checkpoint(Checkpoint(KEY.name, 3, tree.root()), generate_key(KEY.name))
    client = WitnessClient(litewitness.witness)
    good = sign_checkpoint(Checkpoint(KEY.name, 2, tree.root(2)), KEY)
    for note in (forged, Note(forged.text, good.signatures)):
        with pytest.raises(WitnessUnavailable, match="answered 403"):
            client.offer(note, 3, lambda _: [])
    assert litewitness.seen(KEY.verifier) == 0
