"""Content policy: what a browser may do with an answer (Content Security Policy Level 3)."""

from http import HTTPStatus
from typing import Final

from flask import Flask, Response

POLICY: Final = "Content-Security-Policy"
SNIFFING: Final = "X-Content-Type-Options"

OF_PAGES: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing of another host, nothing inline, and no frame around it."""
OF_OTHERS: Final = "default-src 'none'; frame-ancestors 'none'"
"""What is no page does nothing where it is opened as one."""

_PAGE: Final = {
    POLICY: OF_PAGES,
    SNIFFING: "nosniff",
    "Referrer-Policy": "no-referrer",
    # It shows data, which only who asks now may see.
    "Cache-Control": "no-store",
}


def html(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A page: a whole HTML document, whose scripts and styles MUST be files of this service."""
    return Response(text, status, _PAGE, content_type="text/html; charset=utf-8")


def register(app: Flask) -> None:
    """Have every answer with content be what its type says, and one that is no page do nothing."""
    app.after_request(_restrict)


def _restrict(response: Response) -> Response:
    # Single events, which come by the thousand, are answered without content.
    if response.status_code != HTTPStatus.NO_CONTENT and POLICY not in response.headers:
        response.headers.add(SNIFFING, "nosniff")
        response.headers.add(POLICY, OF_OTHERS)
    return response
