"""Reads that the log tells of, where that is set: once a minute for a principal and query."""

from typing import Final
from urllib.parse import urlencode

from flask import Flask, request

from audit_service.access.own_events import OwnEvents, Told
from audit_service.access.scopes import EVIDENCE_ROUTES, Scope
from service_kit.access import token_text
from service_kit.access.guard import Scopes
from service_kit.access.principal import current

PAGING: Final = frozenset({"limit", "order", "cursor", "count", "wait", "after"})
"""Parameters that do not say what is asked for."""


def register(app: Flask, scopes: Scopes, own_events: OwnEvents) -> None:
    """Have each request that reads events be told of, before it is answered."""

    def tell() -> None:
        endpoint = request.endpoint
        # Who checks the log asks for thousands of tiles, and sees no event in them.
        if endpoint in EVIDENCE_ROUTES:
            return
        if endpoint is not None and scopes.get(endpoint) == Scope.EVENTS_READ:
            # Who goes from page to page asks once, or each page would make another event. It may
            # be no query at all, and have a token by mistake.
            asked = [pair for pair in request.args.items(multi=True) if pair[0] not in PAGING]
            query = token_text.redact(urlencode(asked))
            key = f"{request.path}?{query}"
            own_events.tell_once_a_minute(
                *(Told.READ, current(), key), path=request.path, query=query
            )

    app.before_request(tell)
