"""Mutated tokens, headers and cookies: none is let in, and none is a fault of ours."""

import random
from collections.abc import Callable, Mapping

from flask import Flask

from service_kit.access import guard, session_routes, token_text
from service_kit.access.authenticator import BearerTokens
from service_kit.access.guard import Access
from service_kit.access.session import SessionCookies, SessionKind
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenCache
from service_kit.concurrency import run_here
from service_kit.http import app as service_app

MUTATIONS = 10_000
ODD = [chr(n) for n in range(32, 256)] + [
    "Bearer ",
    "bearer",
    "=",
    ";",
    ".",
    "aud_session=",
    ",",
    '"',
]


def mutated(choose: random.Random, text: str) -> str:
    for _ in range(choose.randint(1, 3)):
        at = choose.randrange(len(text) + 1)
        match choose.randrange(4):
            case 0:
                text = text[:at] + choose.choice(ODD) + text[at:]
            case 1:
                text = text[:at] + text[at + choose.randint(1, 9) :]
            case 2:
                text = text[:at] + choose.choice(ODD) + text[at + 1 :]
            case _:
                text += text[at:]
    return text


def protected() -> tuple[Flask, str]:
    """An application with a route for one token, and the token."""
    text, digest = token_text.make("aud")
    token = StoredToken("n", digest, frozenset({"s"}), (), 0)
    cache = TokenCache(lambda: [token], run_here, ())
    tokens = BearerTokens(cache, "aud", frozenset({"/it"}))
    app = service_app.create(__name__, title="T", version="0", problem_for={}, checks={})
    scopes = {"it": "s", "session.begin": guard.OPEN}
    kind = SessionKind("aud_session", "a secret")
    guard.register(app, Access(scopes, (tokens, SessionCookies(cache, kind))))
    app.register_blueprint(session_routes.blueprint(tokens, kind))
    app.add_url_rule("/it", "it", lambda: "let in", methods=["GET", "POST"])
    return app, text


def test_nothing_that_was_altered_is_let_in(often: Callable[[int, int], int]) -> None:
    app, text = protected()
    client = app.test_client(use_cookies=False)
    good = {"Authorization": f"Bearer {text}"}
    cookie = client.post("/session", headers=good).headers["Set-Cookie"].partition(";")[0]
    for right in (good, {"Cookie": cookie}):
        assert client.get("/it", headers=right).status_code == 200
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    for number in range(often(1000, MUTATIONS)):
        headers: Mapping[str, str]
        query = ""
        match number % 3:
            case 0:
                value = mutated(choose, good["Authorization"])
                headers = {"Authorization": value}
                is_same = value.split()[1:] == [text] and value.split()[0].lower() == "bearer"
            case 1:
                value = mutated(choose, cookie)
                headers = {"Cookie": value}
                is_same = cookie in value
            case _:
                value = mutated(choose, text)
                headers, query = {}, value
                is_same = False
        if "\x7f" in value or any(0x80 <= ord(each) < 0xA0 for each in value):
            continue
        if number % 3 == 2:
            answer = client.post("/it", query_string={"access_token": query})
            is_same = query == text
        else:
            answer = client.get("/it", headers=headers)
        assert answer.status_code < 500, (seed, number, value)
        assert answer.status_code != 200 or is_same, (seed, number, value)
