"""Cosignatures: by known witnesses alone, each of which holds."""

import pytest

from audit_service.evidence.cosignatures import cosignatures
from audit_service.evidence.note_keys import generate_key, parse_verifier_key
from audit_service.evidence.notes import Signature, SignatureInvalid, parse_note
from tests.support.evidence_witness import NOW, cosign, key_of

# The checkpoint that the specification shows, with its cosignature by example.com's witness.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 # as it is shown
TEXT = EXAMPLE.partition("\n\n")[0] + "\n"
KEY = generate_key("witness.example/w1")


def test_a_cosignature_holds_and_says_when() -> None:
    (found,) = cosignatures(TEXT, [cosign(TEXT, KEY)], [key_of(KEY)])
    assert (found.key, found.time) == (key_of(KEY), NOW)
    key = key_of(KEY)
    assert parse_verifier_key(str(key)) == key


def test_the_latest_of_a_witness_counts() -> None:
    signatures = [cosign(TEXT, KEY, NOW + 1), cosign(TEXT, KEY, NOW)]
    (found,) = cosignatures(TEXT, signatures, [key_of(KEY)])
    assert found.time == NOW + 1


def test_unknown_witnesses_are_ignored() -> None:
    other = generate_key("witness.example/w1")
    assert cosignatures(TEXT, [cosign(TEXT, other)], [key_of(KEY)]) == ()
    assert cosignatures(TEXT, parse_note(EXAMPLE.encode()).signatures, [key_of(KEY)]) == ()


def test_a_signature_of_the_text_itself_is_no_cosignature() -> None:
    plain = Signature(KEY.name, KEY.verifier.key_id, KEY.sign(TEXT.encode()))
    assert cosignatures(TEXT, [plain], [key_of(KEY), KEY.verifier]) == ()


@pytest.mark.parametrize("at", [0, 7, 8, 71])
def test_an_altered_cosignature_is_refused(at: int) -> None:
    good = cosign(TEXT, KEY)
    content = bytearray(good.content)
    content[at] ^= 1
    with pytest.raises(SignatureInvalid):
        cosignatures(TEXT, [Signature(good.name, good.key_id, bytes(content))], [key_of(KEY)])


def test_a_cosignature_of_another_checkpoint_or_length_is_refused() -> None:
    good = cosign(TEXT, KEY)
    longer = Signature(good.name, good.key_id, good.content + b"x")
    for text, signature in ((TEXT + "more\n", good), (TEXT, longer)):
        with pytest.raises(SignatureInvalid):
            cosignatures(text, [signature], [key_of(KEY)])


def test_a_time_past_the_largest_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        cosignatures(TEXT, [cosign(TEXT, KEY, 2**63)], [key_of(KEY)])
