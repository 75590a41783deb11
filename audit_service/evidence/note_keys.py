"""Keys of signed notes (C2SP signed-note), Ed25519, in the forms that Go's tools write.

A verifier key is `<name>+<key id>+<base64>`, a signing key `PRIVATE+KEY+<name>+<key id>+<base64>`:
the key id is eight hexadecimal digits, the Base64 a byte for the algorithm and the 32 bytes of the
public key, or of the seed (RFC 8032).
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_ID: Final = 4
PRIVATE: Final = "PRIVATE+KEY+"
_FORBIDDEN = re.compile("[\\x00-\\x1f+\ud800-\udfff]")


class KeyMalformed(Exception):
    """A text is no key, or one of another kind; the message says why, and never the text."""


class Algorithm(IntEnum):
    """Signature types of the specification that are read here."""

    ED25519 = 1
    COSIGNATURE = 4
    """Ed25519 with a timestamp, of witnesses (C2SP tlog-cosignature)."""


@dataclass(frozen=True)
class VerifierKey:
    """A name and a public key, by which signatures are known."""

    name: str
    public: bytes
    algorithm: Algorithm = Algorithm.ED25519

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ algorithm ‖ public key)."""
        head = self.name.encode() + b"\n" + bytes([self.algorithm])
        return sha256(head + self.public).digest()[:KEY_ID]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_key_base64(self.algorithm, self.public)}"

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Whether these 64 bytes are an Ed25519 signature of the message by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A name and a secret key, never shown by repr()."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """What others know it by."""
        return VerifierKey(self.name, self._secret.public_key().public_bytes_raw())

    @property
    def private_text(self) -> str:
        """The secret form, `PRIVATE+KEY+…`."""
        key_id = self.verifier.key_id.hex()
        return f"{PRIVATE}{self.name}+{key_id}+{_key_base64(Algorithm.ED25519, self.seed)}"

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""
        return self._secret.sign(message)

    @property
    def _secret(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def generate_key(name: str) -> SigningKey:
    """A new key. Raises KeyMalformed where the name is none."""
    _check_name(name)
    return SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw())


def parse_verifier_key(text: str) -> VerifierKey:
    """Raises KeyMalformed."""
    name, key_id, algorithm, public = _key_parts(text)
    key = VerifierKey(name, public, algorithm)
    if key.key_id != key_id:
        raise KeyMalformed("the key id is not that of name and key")
    return key


def parse_signing_key(text: str) -> SigningKey:
    """Raises KeyMalformed."""
    if not text.startswith(PRIVATE):
        raise KeyMalformed(f"does not begin with {PRIVATE}")
    name, key_id, algorithm, seed = _key_parts(text.removeprefix(PRIVATE))
    key = SigningKey(name, seed)
    if algorithm is not Algorithm.ED25519 or key.verifier.key_id != key_id:
        raise KeyMalformed("the key id is not that of name and key")
    return key


def to_base64(content: bytes) -> str:
    """Standard Base64 with padding (RFC 4648, section 4)."""
    return b64encode(content).decode()


def from_base64(text: str) -> bytes | None:
    """Its bytes; None where it is not the one standard form of any."""
    try:
        content = b64decode(text, validate=True)
    except ValueError:
        return None
    return content if to_base64(content) == text else None


def is_name(name: str) -> bool:
    """Whether a key may have this name."""
    return bool(name) and _FORBIDDEN.search(name) is None and not any(map(str.isspace, name))


def _check_name(name: str) -> None:
    if not is_name(name):
        raise KeyMalformed("a name is not empty and has neither spaces nor +")


def _key_base64(algorithm: Algorithm, key: bytes) -> str:
    return to_base64(bytes([algorithm]) + key)


def _key_parts(text: str) -> tuple[str, bytes, Algorithm, bytes]:
    """Name, key id, algorithm and 32 bytes of a key."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    content = from_base64(encoded)
    if not is_name(name) or not re.fullmatch("[0-9a-f]{8}", key_id) or not content:
        raise KeyMalformed("is no <name>+<key id>+<base64>")
    if content[0] not in set(Algorithm) or len(content) != 1 + 32:
        raise KeyMalformed("is no Ed25519 key")
    return name, bytes.fromhex(key_id), Algorithm(content[0]), content[1:]
