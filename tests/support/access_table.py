"""Table of access: every route, and every way to ask for it, with what has to become of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from flask import Flask
from flask.testing import FlaskClient

from service_kit.access import token_text
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenTiming
from service_kit.clock import now_in_microseconds

HOUR = 3600 * 1_000_000
ADMIN = "admin"
UNSAFE = frozenset({"POST", "PATCH", "DELETE", "PUT"})
REFUSED = frozenset({401, 403})
SEEN_AT_ONCE = TokenTiming(fresh_seconds=0)
"""What is changed of tokens is looked up by each request."""


class Admin(Protocol):
    """What changes tokens."""

    def create(self, token: StoredToken) -> None: ...
    def rotate(self, token: StoredToken, keep_until: int) -> object: ...
    def revoke(self, name: str, now: int) -> None: ...


class Tokens:
    """Makes tokens of every kind."""

    def __init__(self, admin: Admin, prefix: str) -> None:
        self._admin = admin
        self.prefix = prefix
        self._number = 0

    def make(self, *scopes: str, bounds: tuple[str, ...] = (), expires_in: int = HOUR) -> str:
        """One that holds, or has expired."""
        return self._made(frozenset(scopes), bounds, expires_in)[0]

    def revoked(self, *scopes: str) -> str:
        text, token = self._made(frozenset(scopes), (), HOUR)
        self.revoke(token.name)
        return text

    def revoke(self, name: str) -> None:
        """End those of that name, `token1` the first that was made."""
        self._admin.revoke(name, now_in_microseconds())

    def rotated(self, *scopes: str, kept: int = HOUR) -> tuple[str, str]:
        """The old and the new one."""
        old, token = self._made(frozenset(scopes), (), 2 * HOUR)
        new, digest = token_text.make(self.prefix)
        now = now_in_microseconds()
        renewed = StoredToken(token.name, digest, frozenset(), (), now)
        self._admin.rotate(renewed, now + kept)
        return old, new

    def never_made(self) -> str:
        return token_text.make(self.prefix)[0]

    def _made(
        self, scopes: frozenset[str], bounds: tuple[str, ...], expires_in: int
    ) -> tuple[str, StoredToken]:
        self._number += 1
        text, digest = token_text.make(self.prefix)
        now = now_in_microseconds()
        # Made long ago, so that one that has expired once held.
        token = StoredToken(
            f"token{self._number}", digest, scopes, bounds, now - 2 * HOUR, now + expires_in
        )
        self._admin.create(token)
        return text, token


@dataclass(frozen=True)
class Route:
    """A route, and what it takes to be asked well. `scope`: empty where it is open to all."""

    endpoint: str
    method: str
    path: str
    scope: str
    options: Mapping[str, Any] = field(default_factory=dict)


def routes(
    app: Flask, scopes: Mapping[str, str], options: Mapping[str, Mapping[str, Any]]
) -> Iterator[Route]:
    """Every route of the application, with one path each."""
    for rule in app.url_map.iter_rules():
        values = {name: _VALUES[type(each).__name__] for name, each in rule._converters.items()}  # noqa: SLF001 - there is no other way
        _, path = rule.build(values) or ("", "")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"} or {"OPTIONS"}):
            yield Route(
                rule.endpoint, method, path, scopes[rule.endpoint], options.get(rule.endpoint, {})
            )


_VALUES = {
    "IntegerConverter": 1,
    "PathConverter": "000",
    "UnicodeConverter": "0",
    "UUIDConverter": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class Asked:
    """A way to ask, and whether a route lets in who asks so: 0 where it does, else the status."""

    name: str
    headers: Mapping[str, str]
    expected: Callable[[Route], int]


def ways(tokens: Tokens, scopes: frozenset[str], cookie: Callable[[str], str]) -> Iterator[Asked]:
    """Every way. `cookie`: of a session that a token began."""

    def needs_token(route: Route) -> int:
        return 401 if route.scope else 0

    def lets_in(_: Route) -> int:
        return 0

    yield Asked("no token", {}, needs_token)
    wrong = {
        "another scheme": "Basic YTpi",
        "no text": "Bearer",
        "odd characters": "Bearer \xff\x00",
        "no token's form": "Bearer abc",
        "another service's": "Bearer " + token_text.make("abc")[0],
        "one that never was": "Bearer " + tokens.never_made(),
        "a wrong check": "Bearer " + tokens.make(ADMIN)[:-1] + "-",
        "expired": "Bearer " + tokens.make(ADMIN, expires_in=-1),
        "revoked": "Bearer " + tokens.revoked(ADMIN),
        "rotated out": "Bearer " + tokens.rotated(ADMIN, kept=-1)[0],
    }
    for name, header in wrong.items():
        yield Asked(name, {"Authorization": header.replace("\x00", "")}, needs_token)
    old, new = tokens.rotated(ADMIN)
    yield Asked("rotated, the old", bearer(old), lets_in)
    yield Asked("rotated, the new", bearer(new), lets_in)
    yield Asked("any case", {"Authorization": f"bEARER  {new} "}, lets_in)
    for scope in sorted(scopes):
        yield Asked(f"scope {scope}", bearer(tokens.make(scope)), _of_scope(scope))
        of_cookie = {"Cookie": cookie(tokens.make(scope))}
        yield Asked(f"cookie of {scope}", of_cookie, _of_scope(scope))
    session = {"Cookie": cookie(tokens.make(ADMIN))}
    same = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    yield Asked("a page of ours", {**session, **same}, lets_in)
    for name, site in {
        "a page of another site": {"Sec-Fetch-Site": "cross-site"},
        "a page of a neighbour": {"Sec-Fetch-Site": "same-site"},
        "another origin": {"Origin": "http://evil.example"},
        "no origin": {"Origin": "null"},
        "another port": {"Origin": "http://localhost:99"},
    }.items():
        yield Asked(name, {**session, **site}, lambda route: 403 if route.method in UNSAFE else 0)
    ended = cookie(tokens.make(ADMIN))
    yield Asked("an altered cookie", {"Cookie": ended[:-1] + "-"}, needs_token)
    yield Asked("an empty cookie", {"Cookie": f"{tokens.prefix}_session="}, needs_token)


def _of_scope(scope: str) -> Callable[[Route], int]:
    return lambda route: 0 if not route.scope or scope in {route.scope, ADMIN} else 403


def cookie_of(client: FlaskClient, token: str) -> str:
    answer = client.post("/session", headers=bearer(token))
    assert answer.status_code == 204, answer.text
    return answer.headers["Set-Cookie"].partition(";")[0]


def ask(client: FlaskClient, route: Route, asked: Asked) -> Any:
    """The answer; of a stream no more than that it begins."""
    options = {**route.options, "headers": {**route.options.get("headers", {}), **asked.headers}}
    answer = client.open(route.path, method=route.method, buffered=False, **options)
    answer.close()
    return answer


def faults(client: FlaskClient, asked: list[Asked], every: list[Route]) -> list[str]:
    """What is not as it has to be."""
    found = []
    for way in asked:
        for route in every:
            answer = ask(client, route, way)
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                # The table of tokens was not read in time, as on a busy disk: that lets nobody in.
                answer = ask(client, route, way)
            expected = way.expected(route)
            got = answer.status_code if answer.status_code in REFUSED else 0
            # What begins a session asks for its token itself.
            if got != expected and not (route.endpoint == "session.begin" and got == 401):
                found.append(f"{way.name}: {route.method} {route.path}: {answer.status_code}")
            if got and (
                answer.content_type != "application/problem+json"
                or (got == 401 and not answer.headers["WWW-Authenticate"].startswith("Bearer"))
            ):
                found.append(f"{way.name}: {route.method} {route.path}: no problem")
    return found
