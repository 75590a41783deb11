"""Statements on what witnesses said of a log's tree, the same in every database."""

from dataclasses import dataclass
from typing import Final, Literal

from audit_service.log.backend import Execute

MOST: Final = 256
"""Cosignatures that are looked at, of the newest checkpoints."""


@dataclass(frozen=True, slots=True)
class StoredCosignature:
    """A cosignature of the checkpoint of a size. `witness`: its verifier key; `time`: seconds since
    1970; `line`: the signature line with its line break.
    """

    size: int
    witness: str
    time: int
    line: str


class WitnessTable:
    """The statements. Each change MUST be in a transaction, as those of TreeTable."""

    def __init__(self, mark: Literal["?", "%s"]) -> None:
        """`mark`: the placeholder of a parameter."""
        self._newest = f"""SELECT size, witness, cosigned_at, line FROM tree_cosignature
            ORDER BY size DESC, witness LIMIT {MOST}"""
        self._remove = f"DELETE FROM tree_cosignature WHERE size = {mark} AND witness = {mark}"
        self._add = f"INSERT INTO tree_cosignature VALUES ({', '.join([mark] * 4)})"
        self._objections = "SELECT witness, reason FROM tree_objection ORDER BY witness"
        self._withdraw = f"DELETE FROM tree_objection WHERE witness = {mark}"
        self._object = f"INSERT INTO tree_objection VALUES ({mark}, {mark})"

    def newest(self, execute: Execute) -> list[StoredCosignature]:
        """Those of the largest sizes, the largest first."""
        return [StoredCosignature(*row) for row in execute(self._newest, ())]

    def add(self, execute: Execute, cosignature: StoredCosignature) -> None:
        """Add one, in the place of an older one; the witness has no objection then."""
        execute(self._remove, (cosignature.size, cosignature.witness))
        values = (cosignature.size, cosignature.witness, cosignature.time, cosignature.line)
        execute(self._add, values)
        execute(self._withdraw, (cosignature.witness,))

    def objections(self, execute: Execute) -> dict[str, str]:
        """By its verifier key, why a witness takes the log for another."""
        return {str(witness): str(reason) for witness, reason in execute(self._objections, ())}

    def set_objection(self, execute: Execute, witness: str, reason: str) -> None:
        """Keep why."""
        execute(self._withdraw, (witness,))
        execute(self._object, (witness, reason))
