"""Log that is verified over HTTP alone: what the service serves of it to anybody who may read."""

from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from audit_service.cli.audit_remote import AuditRemote
from audit_service.evidence.hashed_rows import HashedRows, hash_records
from audit_service.evidence.record_text import RecordMalformed, read_record
from audit_service.evidence.tiles import TILE_WIDTH, path_of
from audit_service.evidence.verification import LogUnverifiable, Work
from service_kit.cli.remote import Unreachable, lines, problem_of

WORK_LINES: Final = 16 * TILE_WIDTH
SILENT_SECONDS: Final = 300.0


class RemoteLog:
    """A VerifiedLog (see there), from its checkpoint and an export that is begun after it.

    Its methods raise LogUnverifiable where they are not answered.
    """

    def __init__(self, remote: AuditRemote) -> None:
        self._remote = remote

    def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        content = self._content("/log/checkpoint")
        if content is None:
            raise LogUnverifiable("nothing of the log is signed yet")
        return content

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        return self._content(f"/log/tile/{level}/{path_of(number, width)}")

    def work(self, size: int) -> Iterator[Work]:
        after, held = 0, list[bytes]()
        for line in self._lines():
            held.append(line)
            if len(held) == WORK_LINES:
                yield partial(hash_lines, held, after, size)
                after, held = after + len(held), []
        if held:
            yield partial(hash_lines, held, after, size)

    def conflicts(self) -> None:
        """Not told over HTTP of those that are marked as none."""

    def _lines(self) -> Iterator[bytes]:
        try:
            options = {"params": {"format": "records"}, "stream": True}
            answer = self._remote.ask(
                "GET", "/v1/export", timeout=(30.0, SILENT_SECONDS), **options
            )
            if answer.status_code != HTTPStatus.OK:
                raise LogUnverifiable(f"/v1/export: {problem_of(answer)}")
            yield from lines(answer)
        except Unreachable as error:
            raise LogUnverifiable(str(error)) from None

    def _content(self, path: str) -> bytes | None:
        """What is at a path; None where there is nothing."""
        try:
            answer = self._remote.ask("GET", path)
        except Unreachable as error:
            raise LogUnverifiable(str(error)) from None
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise LogUnverifiable(f"{path}: {problem_of(answer)}")
        return answer.content


def hash_lines(records: Sequence[bytes], after: int, size: int) -> HashedRows:
    """The records of an export, likewise."""
    try:
        return hash_records(map(read_record, records), after, size)
    except RecordMalformed as error:
        raise LogUnverifiable(f"the export is none: a line {error}") from None
