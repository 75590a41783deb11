"""A tree of RFC 6962 as its section 2.1 defines it, word for word and without any haste."""

from hashlib import sha256


def root(leaves: list[bytes]) -> bytes:
    """MTH."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = _split(len(leaves))
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH, of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), root(leaves[k:])]
    return [*path(m - k, leaves[k:]), root(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF, of section 2.1.2."""
    return _subproof(m, leaves, is_known=True)


def _subproof(m: int, leaves: list[bytes], *, is_known: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if is_known else [root(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], is_known=is_known), root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], is_known=False), root(leaves[:k])]


def _split(n: int) -> int:
    """The largest power of two that is smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
