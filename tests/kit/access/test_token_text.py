"""Text of tokens: none like another, each known by its form, none guessed."""

import hashlib
import random
import re

from service_kit.access import token_text


def test_a_token_is_256_random_bits_with_a_prefix_and_a_check() -> None:
    made = [token_text.make("aud") for _ in range(1000)]
    assert len({text for text, _ in made}) == 1000
    for text, digest in made:
        assert re.fullmatch(r"aud_[0-9A-Za-z]{49}", text)
        assert digest == hashlib.sha256(text.encode()).digest()
        assert token_text.digest_of(text, "aud") == digest
        assert token_text.digest_of(text, "usr") is None


def test_whatever_is_altered_is_no_token() -> None:
    choose = random.Random(7)
    text, _ = token_text.make("aud")
    for _ in range(2000):
        at = choose.randrange(len(text))
        other = choose.choice(token_text.ALPHABET + "-_ é\n")
        altered = choose.choice(
            [text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :], text + other]
        )
        if altered != text:
            assert token_text.digest_of(altered, "aud") is None, altered
