"""Same origin: changes that a browser sends come from a page of the service itself."""

from collections.abc import Mapping

import pytest

from service_kit.access import same_origin
from service_kit.http.problems import Problem

GOOD: list[Mapping[str, str]] = [
    {},
    {"HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_SEC_FETCH_SITE": "none"},
    {"HTTP_ORIGIN": "http://Events.example:8080"},
    {"HTTP_ORIGIN": "https://events.example:8080", "HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"},
]
BAD: list[Mapping[str, str]] = [
    {"HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_SEC_FETCH_SITE": "same-site"},
    {"HTTP_SEC_FETCH_SITE": "SAME-ORIGIN"},
    {"HTTP_ORIGIN": "null"},
    {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "none"},
    {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_ORIGIN": "http://evil.example:8080", "HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_ORIGIN": ""},
    {"HTTP_ORIGIN": "http://events.example"},
    {"HTTP_ORIGIN": "http://evil.example:8080"},
    {"HTTP_ORIGIN": "http://events.example:8080@evil.example"},
    {"HTTP_ORIGIN": "http://[events.example:8080"},
]


def refused(method: str, headers: Mapping[str, str]) -> bool:
    environ = {"REQUEST_METHOD": method, "HTTP_HOST": "events.example:8080", **headers}
    try:
        same_origin.check(environ)
    except Problem as problem:
        return problem.status == 403
    return False


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_change_is_of_the_same_origin(method: str) -> None:
    assert [refused(method, headers) for headers in GOOD] == [False] * len(GOOD)
    assert [refused(method, headers) for headers in BAD] == [True] * len(BAD)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_come_from_anywhere(method: str) -> None:
    assert not any(refused(method, headers) for headers in [*GOOD, *BAD])
