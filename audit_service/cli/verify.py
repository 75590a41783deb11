"""Command `audit-service verify`: is the log what was signed?

Exit codes: 0 it is, 1 it is not, 2 it could not be checked.
"""

import sys
import traceback
from contextlib import ExitStack, closing
from functools import partial
from typing import IO, Final, NoReturn

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.cli.evidence_options import policy_option, vkey_option
from audit_service.cli.program import PROGRAM
from audit_service.cli.remote_log import RemoteLog
from audit_service.evidence.checked_heads import Newest, ask_witnesses, kept_checkpoint, with_kept
from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.hashed_rows import Altered
from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.notes import Note, NoteMalformed, SignatureInvalid
from audit_service.evidence.stored_log import StoredLog
from audit_service.evidence.verification import LogUnverifiable, Verified, VerifiedLog
from audit_service.evidence.verification import verify as verify_log
from audit_service.evidence.witness_policy import WitnessPolicy
from audit_service.log import LogUnavailable, SchemaMismatch, open_log
from audit_service.search.index.check import IndexDiffers, check_index
from audit_service.search.index.faults import IndexDamaged, IndexUnusable
from audit_service.settings import Settings
from service_kit.cli import commands
from service_kit.cli.commands import Service
from service_kit.cli.ending import end
from service_kit.cli.remote import chosen_url, url_option
from service_kit.cli.terminal import counting
from service_kit.process.ordered_work import in_order

ALTERED: Final = 1
NOT_CHECKED: Final = 2
Opened = tuple[VerifiedLog, list[Checkpoint], Newest]
"""A log, the checkpoints of it whose signatures hold, and what gives the newest of later."""


def command(service: Service[Settings]) -> click.Command:
    """The command, for the log that the service's settings name."""

    @click.command()
    @vkey_option
    @policy_option
    @click.option(
        "--since",
        type=click.File("rb"),
        help="A checkpoint that was kept: the log has to begin with what was signed by it.",
    )
    @click.option(
        "--index",
        "with_index",
        is_flag=True,
        help="Make the index of searches anew, too, and compare: it hides no event.",
    )
    @url_option
    def verify(
        vkey: VerifierKey, policy: WitnessPolicy, since: IO[bytes] | None, *, with_index: bool
    ) -> None:
        """Check every event against what was signed: that none was altered, removed or added.

        On the database of the settings, or with --url over HTTP alone. Exit codes: 0 it holds, 1 it
        does not, and the first bad position is said, 2 it could not be checked.
        """
        if with_index and chosen_url(""):
            raise click.UsageError("--index is for the database of the settings, not for --url")
        kept = None if since is None else since.read()
        try:
            verified = _verify(service, vkey, policy, kept)
            indexed = _check_index(commands.load_settings(service)) if with_index else None
        except Altered as error:
            end(PROGRAM, ALTERED, f"the log does not hold: {error}")
        except (IndexDiffers, IndexDamaged) as error:
            end(PROGRAM, ALTERED, f"the index of searches does not hold: {error}")
        except (LogUnverifiable, LogUnavailable, IndexUnusable, SchemaMismatch) as error:
            end(PROGRAM, NOT_CHECKED, f"the log could not be checked: {error}")
        except Exception:  # noqa: BLE001 - a fault of ours is no verdict
            traceback.print_exc()
            sys.exit(NOT_CHECKED)
        click.echo(_summary(verified, policy, indexed))

    return verify


def _verify(
    service: Service[Settings], key: VerifierKey, policy: WitnessPolicy, kept: bytes | None
) -> Verified:
    """What holds. Raises Altered, LogUnverifiable, LogUnavailable."""
    with ExitStack() as opened:
        log, heads, newest = _remote(key) or _stored(service, key, opened)
        if kept is not None:
            heads = with_kept(heads, kept_checkpoint(kept, key))
        with counting("events", heads[-1].size) as count:
            verified = verify_log(log, heads, in_order, count.add)
        if policy.quorum is not None:
            ask_witnesses(log, newest, verified.checkpoint, key, policy)
    return verified


class _Verifying(AuditRemote):
    """What would end another command with a code of its own."""

    def end(self, code: int, message: str) -> NoReturn:  # noqa: ARG002 - whatever it ended with, the log was not checked
        raise LogUnverifiable(message)


def _remote(key: VerifierKey) -> Opened | None:
    """The log at the URL that is said; None where none is."""
    if not chosen_url(""):
        return None
    log = RemoteLog(_Verifying())

    def newest() -> tuple[Checkpoint, Note]:
        content = log.checkpoint()
        try:
            return open_checkpoint(content, key)
        except (NoteMalformed, SignatureInvalid) as error:
            raise Altered(None, f"its checkpoint {error}") from None

    return log, [newest()[0]], newest


def _stored(service: Service[Settings], key: VerifierKey, opened: ExitStack) -> Opened:
    settings = commands.load_settings(service)
    password = settings.database_password.get_secret_value()
    log = opened.enter_context(StoredLog(settings.database_url, password))
    heads = log.heads(key)
    return log, [checkpoint for checkpoint, _ in heads], partial(log.newest, key)


def _check_index(settings: Settings) -> int:
    """How many events are in the index, as the log has them."""
    if settings.index_path is None:
        raise LogUnverifiable("there is no index")
    password = settings.database_password.get_secret_value()
    with (
        closing(open_log(settings.database_url, password)) as log,
        counting("indexed", log.last()) as count,
    ):
        return check_index(settings.index_path, log, count.add)


def _summary(verified: Verified, policy: WitnessPolicy, indexed: int | None) -> str:
    checkpoint = verified.checkpoint
    words = [f"holds: {checkpoint.size} events, as {checkpoint.origin} signed them"]
    if policy.quorum is not None:
        words.append("and enough witnesses saw no other log")
    if later := verified.events - checkpoint.size:
        words.append(f"{later} more are not signed yet")
    if indexed is not None:
        words.append(f"searches find all of the first {indexed}")
    return "; ".join(words)
