"""Checkpoints: three lines or more, signed by the key whose name is the origin."""

from base64 import b64encode

import pytest

from audit_service.evidence.checkpoints import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from audit_service.evidence.merkle import EMPTY_ROOT
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.notes import NoteMalformed, SignatureInvalid, sign_note

ROOT = b64encode(EMPTY_ROOT).decode()
KEY = generate_key("log.example/one")


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    checkpoint = Checkpoint(KEY.name, 20852163, EMPTY_ROOT, ("more", "lines"))
    note = sign_checkpoint(checkpoint, KEY)
    assert note.text == f"log.example/one\n20852163\n{ROOT}\nmore\nlines\n"
    assert open_checkpoint(bytes(note), KEY.verifier) == (checkpoint, note)


def test_a_checkpoint_of_another_key_is_refused() -> None:
    note = sign_checkpoint(Checkpoint(KEY.name, 0, EMPTY_ROOT), KEY)
    with pytest.raises(SignatureInvalid):
        open_checkpoint(bytes(note), generate_key(KEY.name).verifier)


def test_a_key_signs_for_its_own_origin_alone() -> None:
    other = Checkpoint("log.example/two", 0, EMPTY_ROOT)
    with pytest.raises(ValueError, match="does not sign for"):
        sign_checkpoint(other, KEY)
    with pytest.raises(NoteMalformed, match="another log"):
        open_checkpoint(bytes(sign_note(other.text, KEY)), KEY.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n",
        f"origin\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"origin\n01\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n",
        f"origin\n+1\n{ROOT}\n",
        f"origin\n1 \n{ROOT}\n",
        f"origin\n٣\n{ROOT}\n",
        f"origin\n9223372036854775808\n{ROOT}\n",
        f"origin\n1\n{ROOT[:-1]}\n",
        f"origin\n1\n{ROOT[4:]}\n",
        f"origin\n1\n{ROOT}\n\n",
        f"origin\n1\n{ROOT}\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteMalformed):
        parse_checkpoint(text)


@pytest.mark.parametrize("size", [0, 1, 9223372036854775807])
def test_every_size_is_read(size: int) -> None:
    assert parse_checkpoint(f"origin\n{size}\n{ROOT}\n").size == size
