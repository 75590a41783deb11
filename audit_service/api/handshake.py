"""Handshake of webhooks: `OPTIONS /` (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4)."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from apiflask import APIBlueprint
from flask import Response, request

from service_kit.http.blocking import never_blocks
from service_kit.http.no_content import no_content

ALLOWED_METHODS: Final = "GET, HEAD, POST, OPTIONS"
ANY: Final = "*"

_DOC: Final[dict[str, Any]] = {
    "summary": "May an origin deliver events?",
    "description": "`WebHook-Request-Origin` asks; `WebHook-Allowed-Origin` and "
    "`WebHook-Allowed-Rate` say that it may. A callback is logged, and never called.",
    "tags": ["Events"],
    "responses": {204: {"description": "`Allow` says which methods there are", "content": {}}},
}

log = structlog.get_logger()


def blueprint(origins: Sequence[str], rate: str) -> APIBlueprint:
    """The route. `origins`: exact names, `*.suffix` or `*`; `rate`: requests a minute, or `*`."""
    routes = APIBlueprint("handshake", __name__)

    @routes.route("/", methods=["OPTIONS"], provide_automatic_options=False)
    @routes.doc(**_DOC)
    @never_blocks
    def handshake() -> Response:
        response = no_content()
        response.headers["Allow"] = ALLOWED_METHODS
        origin = request.headers.get("WebHook-Request-Origin")
        if origin is None:
            return response
        is_allowed = any(_accepts(pattern, origin.lower()) for pattern in origins)
        if is_allowed:
            response.headers["WebHook-Allowed-Origin"] = origin
            response.headers["WebHook-Allowed-Rate"] = rate
        callback = request.headers.get("WebHook-Request-Callback")
        log.info(
            "an origin asked to deliver events",
            origin=origin,
            allowed=is_allowed,
            callback=callback,
        )
        return response

    return routes


def _accepts(pattern: str, origin: str) -> bool:
    if pattern.startswith("*."):
        return origin.endswith(pattern[1:]) and len(origin) > len(pattern) - 1
    return pattern in {ANY, origin}
