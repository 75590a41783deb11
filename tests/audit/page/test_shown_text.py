"""Texts and bytes are shown as what they are, whatever is in them."""

import pytest

from audit_service.page.hex_dump import MOST_BYTES, hex_dump
from audit_service.page.visible import short, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x00b", "a␀b"),
        ("evil\u202egpj.exe", "evil⟨U+202E⟩gpj.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("\ud800", "⟨U+D800⟩"),
        ("\x9b", "⟨U+009B⟩"),
        ("Ωé漢", "Ωé漢"),
    ],
)
def test_what_does_not_show_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert short("a" * 201) == "a" * 200 + "…"
    assert short("a" * 200) == "a" * 200


def test_bytes_are_shown_with_their_offsets_and_what_of_them_is_ascii() -> None:
    lines = hex_dump(bytes(range(60, 80))).splitlines()
    assert lines == [
        "00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|",
        "00000010  4c 4d 4e 4f                                      |LMNO|",
    ]


def test_of_many_bytes_the_first_are_shown() -> None:
    assert len(hex_dump(bytes(10 * MOST_BYTES)).splitlines()) == MOST_BYTES // 16
