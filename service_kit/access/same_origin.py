"""Same origin: a change that a browser sends comes from a page of this service, or is refused.

A page of another site could have its reader's browser send one, to a service on the reader's own
machine too.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from service_kit.http.problems import Problem

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = "same-origin"
_SITES: Final = frozenset({_OURS, "none"})
_OPAQUE: Final = "null"


def check(environ: Mapping[str, Any]) -> None:
    """Raises Problem, 403. Who is no browser sends neither header.

    A form of a page with `Referrer-Policy: no-referrer` has the origin `null` (Fetch, "append a
    request `Origin` header"); that it is ours `Sec-Fetch-Site` says, which no page can set.
    """
    if environ["REQUEST_METHOD"] in SAFE:
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is not None and site not in _SITES:
        raise _refused()
    if site == _OURS and origin == _OPAQUE:
        return
    if origin is not None and _host(origin) != environ.get("HTTP_HOST", "").lower():
        raise _refused()


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _refused() -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "a page of another site must not change anything here")
