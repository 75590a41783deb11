"""Signed notes, as Go's package for them reads and writes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_service.evidence.note_keys import (
    Algorithm,
    KeyMalformed,
    VerifierKey,
    generate_key,
    parse_signing_key,
    parse_verifier_key,
)
from audit_service.evidence.notes import (
    Note,
    NoteMalformed,
    SignatureInvalid,
    parse_note,
    sign_note,
    verified,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "notes.json").read_text())
vectors = pytest.mark.parametrize("vector", VECTORS)
SIGNED = VECTORS[0]["signed"].encode()
LINE = VECTORS[0]["signed"].partition("\n\n")[2]
PUBLIC = VECTORS[0]["public"]


@vectors
def test_keys_are_read_and_written_as_go_writes_them(vector: dict[str, Any]) -> None:
    key = parse_signing_key(vector["private"])
    assert key.private_text == vector["private"]
    assert str(key.verifier) == vector["public"]
    assert parse_verifier_key(vector["public"]) == key.verifier


@vectors
def test_a_note_is_signed_as_go_signs_it(vector: dict[str, Any]) -> None:
    note = sign_note(vector["text"], parse_signing_key(vector["private"]))
    assert bytes(note).decode() == vector["signed"]


@vectors
def test_a_note_of_go_is_verified(vector: dict[str, Any]) -> None:
    note = parse_note(vector["signed_by_two"].encode())
    assert note.text == vector["text"]
    assert bytes(note).decode() == vector["signed_by_two"]
    key = parse_verifier_key(vector["public"])
    assert [signature.name for signature in verified(note, [key])] == [key.name]


@vectors
def test_no_byte_of_a_note_can_be_altered(vector: dict[str, Any]) -> None:
    signed = bytearray(vector["signed"].encode())
    key = parse_verifier_key(vector["public"])
    for at in range(len(signed)):
        other = signed.copy()
        other[at] ^= 1
        with pytest.raises((NoteMalformed, SignatureInvalid)):
            verified(parse_note(bytes(other)), [key])


def test_signatures_of_unknown_keys_are_ignored() -> None:
    mine, other = generate_key("log.example"), generate_key("log.example")
    forged = sign_note("text\n", other)
    with pytest.raises(SignatureInvalid):
        verified(forged, [mine.verifier])
    signed = sign_note("text\n", mine)
    both = Note("text\n", (*forged.signatures, *signed.signatures))
    assert verified(both, [mine.verifier]) == signed.signatures


def test_a_note_with_a_wrong_signature_of_a_known_key_is_refused_whole() -> None:
    mine, second = generate_key("log.example"), generate_key("second.example")
    note = sign_note("text\n", mine)
    wrong = sign_note("other\n", second)
    with pytest.raises(SignatureInvalid, match=r"second\.example"):
        verified(
            Note("text\n", (*note.signatures, *wrong.signatures)), [mine.verifier, second.verifier]
        )


def test_a_key_of_cosignatures_verifies_no_plain_signature() -> None:
    key = parse_verifier_key(PUBLIC)
    witness = VerifierKey(key.name, key.public, Algorithm.COSIGNATURE)
    assert witness.key_id != key.key_id
    with pytest.raises(SignatureInvalid):
        verified(parse_note(SIGNED), [witness])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        f"text\n{LINE}".encode(),
        f"text\n\n{LINE}".encode()[:-1],
        f"text\n\n{LINE}\n".encode(),
        f"text\n\n{LINE.replace(' ', '  ')}".encode(),
        f"text\n\n{LINE.replace('— ', '- ')}".encode(),
        f"text\n\n{LINE.replace('=', '')}".encode(),
        f"text\t\n\n{LINE}".encode(),
        f"text\r\n\n{LINE}".encode(),
        b"\xff" + SIGNED,
        "text\n\n— name AAAAAA==\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— na\u00a0me AAAAAAA=\n".encode(),
        f"text\n\n{LINE * 101}".encode(),
        b"a" * 1_000_000 + SIGNED,
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteMalformed):
        parse_note(note)


def test_sixteen_signatures_are_read() -> None:
    assert len(parse_note(f"text\n\n{LINE * 16}".encode()).signatures) == 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        "name+00000000+AA==",
        PUBLIC.replace("b7c23f4c", "b7c23f4d"),
        PUBLIC.replace("b7c23f4c", "B7C23F4C"),
        PUBLIC.replace("example", "exa mple"),
        PUBLIC[:-4],
        PUBLIC + "AAAA",
        f"{PUBLIC}\n",
        PUBLIC.replace("+ARku", "+BRku"),
        PUBLIC[11:],
        "\ud800" + PUBLIC,
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(KeyMalformed):
        parse_verifier_key(text)


@pytest.mark.parametrize("text", ["", PUBLIC, f"PRIVATE+KEY+{PUBLIC}", VECTORS[0]["private"][:-4]])
def test_what_is_no_signing_key_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(KeyMalformed) as refused:
        parse_signing_key(text)
    assert "ARku" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\x00", "a\u2003"])
def test_a_key_has_a_name_without_spaces_and_plus(name: str) -> None:
    with pytest.raises(KeyMalformed):
        generate_key(name)


def test_a_new_key_is_its_own() -> None:
    keys = {generate_key("log.example").private_text for _ in range(3)}
    assert len(keys) == 3
    assert "AA" not in repr(generate_key("name"))


def test_a_signature_of_another_length_does_not_hold() -> None:
    key = generate_key("log.example")
    signature = key.sign(b"text")
    assert key.verifier.holds(b"text", signature)
    assert not key.verifier.holds(b"text", signature[:-1])
    assert not VerifierKey("log.example", b"\xff" * 32).holds(b"text", signature)
