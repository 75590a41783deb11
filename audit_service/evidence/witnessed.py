"""Witnessed checkpoints: those that enough witnesses of a policy have cosigned."""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.tree_table import SignedHead
from audit_service.evidence.witness_policy import WitnessPolicy
from service_kit.clock import now_in_microseconds

PATIENCE: Final = 10 * 1_000_000
"""Microseconds that a checkpoint waits for its quorum, after which it is shown without it."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The newest checkpoint, and the newest that met the quorum, None where none did, each with the
    cosignatures that there are; `waiting_since`: when the oldest was signed that has not met it,
    microseconds since 1970, None where the newest has.
    """

    newest: SignedHead
    met: SignedHead | None
    waiting_since: int | None

    def shown(self, patience: int = PATIENCE) -> SignedHead:
        """The newest that met the quorum; if others wait for it for too long, the newest.

        `patience`: microseconds.
        """
        if self.met is None or self.waiting_since is None:
            return self.met or self.newest
        return self.met if self.seconds_waited() * 1_000_000 <= patience else self.newest

    def seconds_waited(self) -> float:
        """For how long there has been a checkpoint that waits for its quorum."""
        if self.waiting_since is None:
            return 0.0
        return max(0.0, (now_in_microseconds() - self.waiting_since) / 1_000_000)


def witnessed(store: TreeStore, policy: WitnessPolicy) -> Witnessed | None:
    """Of the tree as it is now; None before its first checkpoint. Raises LogUnavailable."""
    newest = store.newest()
    if newest is None:
        return None
    keys = {str(key): key for key in policy.witness_keys}
    if not keys and policy.quorum is None:
        return Witnessed(newest, newest, None)
    met = None
    for size, some in groupby(store.cosignatures(), key=lambda each: each.size):
        if size > newest.size:
            continue
        known = [(keys[each.witness], each.line) for each in some if each.witness in keys]
        cosigned = _cosigned(store, newest, size, known)
        if size == newest.size and cosigned is not None:
            newest = cosigned
        if policy.is_met({key for key, _ in known}) and cosigned is not None:
            met = cosigned
            break
    if policy.quorum is None:
        return Witnessed(newest, newest, None)
    return Witnessed(newest, met, _waiting_since(store, newest, met))


def _cosigned(
    store: TreeStore, newest: SignedHead, size: int, lines: list[tuple[VerifierKey, str]]
) -> SignedHead | None:
    """The checkpoint of that size with these lines; None where it is not there."""
    head = newest if size == newest.size else next(iter(store.heads(size - 1)), None)
    if head is None or head.size != size:
        return None
    return replace(head, note=head.note + "".join(line for _, line in lines).encode())


def _waiting_since(store: TreeStore, newest: SignedHead, met: SignedHead | None) -> int | None:
    if met is not None and met.size == newest.size:
        return None
    # One that was offered is kept, so that this one does not become younger.
    later = store.heads(-1 if met is None else met.size)
    return later[0].signed_at if later else newest.signed_at
