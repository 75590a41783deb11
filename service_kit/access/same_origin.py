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
_SITES: Final = frozenset({"same-origin", "none"})


def check(environ: Mapping[str, Any]) -> None:
    """Raises Problem, 403. Who is no browser sends neither header."""
    if environ["REQUEST_METHOD"] in SAFE:
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is not None and site not in _SITES:
        raise _refused()
    if origin is not None and _host(origin) != environ.get("HTTP_HOST", "").lower():
        raise _refused()


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _refused() -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "a page of another site must not change anything here")
