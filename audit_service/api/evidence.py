"""Evidence: `GET /log/…`, the log's tree as C2SP tlog-tiles has it, for any of its clients."""

import zlib
from http import HTTPStatus
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api.openapi import UNAVAILABLE
from audit_service.evidence.served_tree import ServedTree
from audit_service.evidence.tiles import MAX_LEVEL, parse_path
from service_kit.http.blocking import reads_much
from service_kit.http.problems import Problem

FOR_EVER: Final = "max-age=31536000, immutable"
NOT_KEPT: Final = {"Cache-Control": "no-store"}
BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"
GZIP: Final = 16 + zlib.MAX_WBITS
GZIP_LEVEL: Final = 1

_PATH: Final = "its index in groups of three digits, all but the last with an `x` before it, and "
_ABSENT: Final = {404: "The tree has none of that width", **UNAVAILABLE}


def blueprint(tree: ServedTree, *, is_shared: bool) -> APIBlueprint:
    """The three routes. `is_shared`: whether what is kept of an answer may be shown to anyone."""
    routes = APIBlueprint("evidence", __name__, url_prefix="/log")
    kept = {"Cache-Control": f"{'public' if is_shared else 'private'}, {FOR_EVER}"}

    @routes.get("/checkpoint")
    @routes.doc(**_described("The newest checkpoint", "A signed note", TEXT))
    def checkpoint() -> Response:
        note = tree.checkpoint()
        if note is None:
            raise _absent("nothing is signed yet")
        return Response(note, headers={"Cache-Control": "no-cache"}, content_type=TEXT)

    @routes.get("/tile/<level>/<path:index>")
    @routes.doc(
        **_described(
            "A tile of hashes", f"Its level, {_PATH}for a partial one `.p/` and its width", BINARY
        )
    )
    def tile(level: str, index: str) -> Response:
        at = parse_path(index)
        height = int(level) if level in _LEVELS else None
        hashes = None if at is None or height is None else tree.tile(height, *at)
        if hashes is None:
            raise _absent("there is no such tile")
        return Response(hashes, headers=kept, content_type=BINARY)

    @routes.get("/tile/entries/<path:index>")
    @routes.doc(
        **_described(
            "A bundle of leaves", f"{_PATH}for a partial one `.p/` and its width".strip(), BINARY
        )
    )
    @reads_much
    def entries(index: str) -> Response:
        at = parse_path(index)
        leaves = None if at is None else tree.bundle(*at)
        if leaves is None:
            raise _absent("there is no such bundle")
        headers = {**kept, "Vary": "Accept-Encoding"}
        if request.accept_encodings.best_match(["gzip", "identity"], "identity") == "gzip":
            leaves = zlib.compress(leaves, GZIP_LEVEL, GZIP)
            headers["Content-Encoding"] = "gzip"
        return Response(leaves, headers=headers, content_type=BINARY)

    return routes


_LEVELS: Final = frozenset(map(str, range(MAX_LEVEL + 1)))


def _absent(detail: str) -> Problem:
    """404 that nobody keeps: there may be one in a second."""
    return Problem(HTTPStatus.NOT_FOUND, detail, headers=dict(NOT_KEPT))


def _described(summary: str, description: str, media_type: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string"}}}
    return {
        "summary": summary,
        "description": f"{description} (C2SP tlog-tiles)",
        "tags": ["Evidence"],
        "responses": {200: {"description": summary, "content": content}, **_ABSENT},
    }
