"""Witnessing: checkpoints are offered to witnesses, each in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from audit_service.evidence.merkle import consistency_proof
from audit_service.evidence.notes import parse_note
from audit_service.evidence.tiles import node_hashes, width_in
from audit_service.evidence.tree import TreeBroken, tile_hashes
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.tree_table import SignedHead
from audit_service.evidence.witness import WitnessClient, WitnessDisagrees, WitnessUnavailable
from audit_service.evidence.witness_policy import Witness, WitnessPolicy
from audit_service.evidence.witness_table import StoredCosignature
from audit_service.log import LogUnavailable

log = structlog.get_logger()

OFFER_SECONDS: Final = 5.0
"""Between two offers to a witness."""


class WitnessOffers:
    """What is offered to one witness. For one thread."""

    def __init__(self, store: TreeStore, client: WitnessClient) -> None:
        self._store = store
        self._client = client
        self._key = str(client.witness.key)
        self._fault = ""

    def step(self) -> None:
        """Offer the newest checkpoint, if the witness has not cosigned it.

        One that is away is asked again later. The objection of one that takes the log for another
        is kept, and nothing is signed until it cosigns again.
        """
        try:
            self._offer()
        except WitnessUnavailable as error:
            self._say("a witness cosigned nothing", str(error))
        except (LogUnavailable, TreeBroken) as error:
            self._say("nothing can be offered to a witness", str(error))
        else:
            self._fault = ""

    def _offer(self) -> None:
        newest = self._store.newest()
        if newest is None or newest.size == 0 or self._is_done(newest):
            return
        # Whoever was given one may come back with it.
        head = self._store.publish_newest()
        if head is None:
            return
        try:
            found = self._client.offer(
                parse_note(head.note), head.size, lambda old: self._proof(old, head.size)
            )
        except WitnessDisagrees as error:
            self._disagree(head, error)
            return
        line = str(found.signature)
        self._store.add_cosignature(StoredCosignature(head.size, self._key, found.time, line))

    def _is_done(self, newest: SignedHead) -> bool:
        known = {(each.size, each.witness) for each in self._store.cosignatures()}
        return (newest.size, self._key) in known and self._key not in self._store.objections()

    def _disagree(self, offered: SignedHead, error: WitnessDisagrees) -> None:
        newest = self._store.newest()
        if newest is not None and offered.size < self._client.known_size <= newest.size:
            # Another process was faster with a newer one.
            return
        self._store.set_objection(self._key, str(error))
        self._say("a witness takes the log for another", str(error), log.error)

    def _proof(self, old: int, new: int) -> Sequence[bytes]:
        def tile(level: int, number: int) -> bytes:
            return tile_hashes(self._store.tile, level, number, width_in(new, level, number))

        return consistency_proof(old, new, node_hashes(tile))

    def _say(self, line: str, reason: str, say: Callable[..., object] = log.warning) -> None:
        if self._fault != reason:
            say(line, witness=self._client.witness.name, reason=reason)
        self._fault = reason


def start_witnessing(
    open_store: Callable[[], TreeStore], policy: WitnessPolicy, stop: threading.Event
) -> None:
    """Offer checkpoints to every witness that has a URL until the event is set.

    A thread for each, which ends with the process: none waits for another, and nothing for them.
    """
    for witness in policy.witnesses:
        if witness.url is not None:
            name = f"witness-{witness.name}"
            arguments = open_store(), witness, stop
            threading.Thread(target=_offer, args=arguments, name=name, daemon=True).start()


def objection(store: TreeStore, policy: WitnessPolicy) -> str | None:
    """Why a witness of the policy takes the log for another; None where none does."""
    found = store.objections() if policy.witnesses else {}
    reasons = [found[str(key)] for key in policy.witness_keys if str(key) in found]
    return reasons[0] if reasons else None


def _offer(store: TreeStore, witness: Witness, stop: threading.Event) -> None:
    offers = WitnessOffers(store, WitnessClient(witness))
    while not stop.is_set():
        offers.step()
        stop.wait(OFFER_SECONDS)
