"""Proofs of events: each is in the log, as a text that a third party checks offline."""

from audit_service.evidence.merkle import inclusion_proof
from audit_service.evidence.proof_text import LogProof
from audit_service.evidence.record_text import packed
from audit_service.evidence.served_tree import ServedTree
from audit_service.evidence.tiles import node_hashes, width_in
from audit_service.evidence.tree import tile_hashes
from audit_service.log import Record


def proof_of(tree: ServedTree, record: Record) -> LogProof | None:
    """A proof with the newest checkpoint that covers the event; None where none does yet.

    Raises LogUnavailable.
    """
    head = tree.head(record.position)
    if head is None or record.salts is None:
        return None
    index = record.position - 1
    with tree.stored_tiles() as stored:

        def tile(level: int, number: int) -> bytes:
            return tile_hashes(stored, level, number, width_in(head.size, level, number))

        hashes = inclusion_proof(index, head.size, node_hashes(tile))
    return LogProof(index, tuple(hashes), head.note, packed(record.salts))
