"""Export: `GET /v1/export`, all records that match, streamed."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.access.own_events import OwnEvents, Told
from audit_service.api import export_formats, filtered
from audit_service.api.export_formats import Format
from audit_service.api.openapi import EXPORT
from audit_service.search import Budget, Expression, Search
from audit_service.search.index.value_counts import ValueKind
from audit_service.search.values import values
from audit_service.search.walk import part
from service_kit.access import token_text
from service_kit.access.principal import current
from service_kit.clock import now, now_in_microseconds
from service_kit.concurrency import Runner
from service_kit.http.blocking import never_blocks
from service_kit.http.disconnection import client_is_gone
from service_kit.http.query_parameters import repeatable

GZIP_LEVEL = 1
GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Kind(StrEnum):
    """The formats by their names."""

    NDJSON = "ndjson"
    CSV = "csv"
    RECORDS = "records"


_OWN: Final = {"format": filtered.one_of({kind.value: kind for kind in Kind})}


def blueprint(
    search: Search, run: Runner, is_over: Callable[[], bool], own_events: OwnEvents
) -> APIBlueprint:
    """The route. `run`: runs what reads much; `is_over`: whether the service stops."""
    routes = APIBlueprint("export", __name__, url_prefix="/v1")

    @routes.get("/export")
    @routes.doc(**EXPORT)
    @never_blocks
    @repeatable
    def export() -> Response:
        asked = filtered.read(request.args, now_in_microseconds(), _OWN)
        kind = asked.own.get("format", Kind.NDJSON)
        exported = run(lambda: _begun(search, asked.expression, kind))
        principal = current()
        # Once its end is fixed, so that it is not in it.
        filters = token_text.redact(request.query_string.decode(errors="replace"))
        own_events.tell(Told.EXPORTED, principal, filters=filters, until=exported.until)
        gone = client_is_gone(request.environ)
        parts = exported.parts(run, lambda: gone() or is_over() or not principal.is_current())
        headers = {
            "Content-Disposition": f'attachment; filename="{exported.name(now())}"',
            "Vary": "Accept-Encoding",
        }
        if request.accept_encodings.best_match(["gzip", "identity"], "identity") == "gzip":
            headers["Content-Encoding"] = "gzip"
            parts = _compressed(parts, run)
        return Response(parts, headers=headers, content_type=exported.written.media_type)

    return routes


def _begun(search: Search, expression: Expression, kind: Kind) -> "Exported":
    if kind is Kind.CSV:
        known = values(search, ValueKind.EXTENSION, Budget())
        written = export_formats.table(sorted(value.name for value in known.items))
    else:
        written = export_formats.ndjson() if kind is Kind.NDJSON else export_formats.records()
    return Exported(search, expression, search.log.last(), written)


@dataclass(frozen=True, slots=True)
class Exported:
    """All that matches up to position `until`, as it is written."""

    search: Search
    expression: Expression
    until: int
    written: Format

    def parts(self, run: Runner, is_over: Callable[[], bool]) -> Iterator[bytes]:
        """Its bytes. The first of them are made at once: what cannot begin is no answer.

        Raises LogUnavailable, and ConnectionAbortedError once it is over: a part MUST NOT look like
        all of it.
        """
        return self._rest(*run(partial(self._part, 0)), run, is_over)

    def _rest(
        self, after: int, written: bytes, run: Runner, is_over: Callable[[], bool]
    ) -> Iterator[bytes]:
        written = self.written.begin + written
        while written or after < self.until:
            if written:
                yield written
            # While the next is waited for it need not be in memory.
            written = b""
            if after < self.until:
                if is_over():
                    raise ConnectionAbortedError
                after, written = run(partial(self._part, after))

    def name(self, at: datetime) -> str:
        """What and when: `events-20261127T184500Z.ndjson`."""
        return f"events-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.{self.written.suffix}"

    def _part(self, after: int) -> tuple[int, bytes]:
        found = part(self.search, self.expression, after, self.until, self.written.write)
        return found.walked_to, found.written


def _compressed(parts: Iterator[bytes], run: Runner) -> Iterator[bytes]:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)
    for each in parts:
        if compressed := run(partial(compressor.compress, each)):
            yield compressed
    yield compressor.flush()
