"""Proofs: `GET /v1/events/{position}/proof`, that an event is in the log (C2SP tlog-proof)."""

from http import HTTPStatus
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response

from audit_service.api.existing_event import existing_event
from audit_service.api.openapi import UNAVAILABLE
from audit_service.evidence.event_proofs import proof_of
from audit_service.evidence.proof_text import MEDIA_TYPE, SUFFIX
from audit_service.evidence.served_tree import ServedTree
from audit_service.log import Backend
from service_kit.http.problems import Problem

RETRY_SECONDS: Final = 2
_DESCRIBED: Final[dict[str, Any]] = {
    "summary": "Proof that an event is in the log",
    "description": "It holds for the event as `/v1/events/{position}` gives it, offline and for "
    "ever. Whoever has both knows the salts of this event's leaf, and of no other's.",
    "tags": ["Evidence"],
    "responses": {
        200: {
            "description": "A proof of C2SP tlog-proof",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        404: "There is no event, or it is not signed yet: `Retry-After` says when it may be",
        **UNAVAILABLE,
    },
}


def blueprint(log: Backend, tree: ServedTree) -> APIBlueprint:
    """The route."""
    routes = APIBlueprint("proofs", __name__, url_prefix="/v1")

    @routes.get("/events/<int:position>/proof")
    @routes.doc(**_DESCRIBED)
    def proof(position: int) -> Response:
        found = proof_of(tree, existing_event(log, position))
        if found is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "the event is not signed yet",
                headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"},
            )
        name = f'attachment; filename="{position}{SUFFIX}"'
        headers = {"Cache-Control": "no-cache", "Content-Disposition": name}
        return Response(bytes(found), headers=headers, content_type=MEDIA_TYPE)

    return routes
