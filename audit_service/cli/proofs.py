"""Commands `audit-service proof | verify-proof`: that an event is in the log, for a third party.

Exit codes of `verify-proof`: 0 it holds, 1 it does not, 2 it could not be checked.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.cli.evidence_options import policy_option, vkey_option
from audit_service.cli.program import PROGRAM
from audit_service.evidence.leaf import leaf_of
from audit_service.evidence.merkle import ProofInvalid, leaf_hash
from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.notes import NoteMalformed, SignatureInvalid
from audit_service.evidence.proof_text import (
    LogProof,
    ProofMalformed,
    QuorumMissing,
    parse_proof,
)
from audit_service.evidence.record_text import RecordMalformed, read_record, unpacked
from audit_service.evidence.witness_policy import WitnessPolicy
from audit_service.log import Record
from service_kit.cli.ending import end
from service_kit.cli.remote import REFUSED, UNREACHABLE, Unreachable, url_option

INVALID: Final = 1
NOT_CHECKED: Final = 2


@click.command()
@click.argument("position", type=click.IntRange(min=1))
@click.option("-o", "--output", required=True, metavar="FILE", help="The proof: 7.tlog-proof.")
@click.option("--event", metavar="FILE", help="The event, too, as `verify-proof` takes it.")
@url_option
def proof(position: int, *, output: str, event: str | None) -> None:
    """A proof that an event is in the log, which whoever has both checks offline, years later."""
    remote = AuditRemote()
    path = f"/v1/events/{position}"
    files = [(output, f"{path}/proof"), *([(event, path)] if event else [])]
    try:
        contents = []
        for name, source in files:
            answer = remote.ask("GET", source)
            remote.check(answer)
            contents.append((name, answer.content))
        for name, content in contents:
            Path(name).write_bytes(content)
    except Unreachable as error:
        remote.end(UNREACHABLE, str(error))
    except OSError as error:
        remote.end(REFUSED, f"{error.filename}: {error.strerror}")


@click.command("verify-proof")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--event",
    "event_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The event, byte by byte as `proof --event` or an export of records wrote it.",
)
@vkey_option
@policy_option
def verify_proof(file: Path, event_file: Path, vkey: VerifierKey, policy: WitnessPolicy) -> None:
    """Check, offline, that an event was in the log: the very event, at its place, at its time.

    Exit codes: 0 it was, 1 it is not proven, 2 it could not be checked.
    """
    try:
        found = parse_proof(file.read_bytes())
        record = read_record(event_file.read_bytes())
    except (ProofMalformed, RecordMalformed, OSError) as error:
        end(PROGRAM, NOT_CHECKED, f"the proof could not be checked: {error}")
    try:
        size = _check(found, record, vkey, policy)
    except (NoteMalformed, SignatureInvalid) as error:
        end(PROGRAM, INVALID, f"the proof does not hold: its checkpoint {error}")
    except (ProofInvalid, QuorumMissing) as error:
        end(PROGRAM, INVALID, f"the proof does not hold: {error}")
    click.echo(f"holds: event {record.position} of {size} that {vkey.name} signed")


def _check(found: LogProof, record: Record, key: VerifierKey, policy: WitnessPolicy) -> int:
    """How many events the log had. Raises NoteMalformed, SignatureInvalid, ProofInvalid,
    QuorumMissing.
    """
    salts = unpacked(found.extra)
    if salts is None:
        raise ProofInvalid("it has no salts")
    if found.index != record.position - 1:
        raise ProofInvalid(f"it is of event {found.index + 1}, and not of {record.position}")
    leaf = leaf_hash(leaf_of(replace(record, salts=salts)))
    return found.check(leaf, key, policy).size
