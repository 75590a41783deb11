"""Session of a browser: a cookie for a token, which ends with it, and is for no script."""

import io
import time
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from service_kit.access import guard, session, session_routes, token_text
from service_kit.access.authenticator import BearerTokens
from service_kit.access.guard import Access
from service_kit.access.session import SessionCookies, SessionKind
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenCache
from service_kit.concurrency import run_here
from service_kit.http import app as service_app
from tests.support.access_table import SEEN_AT_ONCE, bearer

ENDED = {"environ_overrides": {"wsgi.input_terminated": True}}
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}


class Trial:
    """An application with a token, which may be revoked."""

    def __init__(self) -> None:
        self.text, digest = token_text.make("aud")
        self.tokens = [StoredToken("n", digest, frozenset({"s"}), (), 0)]
        cache = TokenCache(lambda: self.tokens, run_here, (), timing=SEEN_AT_ONCE)
        tokens = BearerTokens(cache, "aud")
        app: Flask = service_app.create(__name__, title="T", version="0", problem_for={}, checks={})
        scopes = {"it": "s", "session.begin": guard.OPEN, "session.end": guard.OPEN}
        kind = SessionKind("aud_session", "a secret")
        guard.register(app, Access(scopes, (tokens, SessionCookies(cache, kind))))
        app.register_blueprint(session_routes.blueprint(tokens, kind))
        app.add_url_rule("/it", "it", lambda: "let in")
        self.client = app.test_client()
        self.stranger = app.test_client(use_cookies=False)

    def status(self) -> int:
        return self.client.get("/it").status_code


@pytest.fixture
def trial() -> Trial:
    return Trial()


def test_a_session_lasts_until_it_is_ended(trial: Trial) -> None:
    assert trial.status() == 401
    assert trial.client.post("/session", headers=bearer(trial.text)).status_code == 204
    assert trial.status() == 200
    assert trial.client.delete("/session").status_code == 204
    assert trial.status() == 401


def test_a_session_ends_with_its_token(trial: Trial) -> None:
    trial.client.post("/session", headers=bearer(trial.text))
    trial.tokens = []
    assert trial.status() == 401


def test_a_session_ends_after_eight_hours(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.client.post("/session", headers=bearer(trial.text))
    now = TimestampSigner.get_timestamp
    for hours, status in ((7.9, 200), (8.1, 401)):
        monkeypatch.setattr(
            TimestampSigner, "get_timestamp", lambda self, h=hours: now(self) + int(h * 3600)
        )
        assert trial.status() == status


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_for_no_script_and_no_other_site(trial: Trial, scheme: str) -> None:
    answer = trial.client.post(
        "/session", headers=bearer(trial.text), base_url=f"{scheme}://localhost"
    )
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["max-age"] == str(session.MOST_SECONDS)
    assert bool(cookie["secure"]) is (scheme == "https")
    assert trial.text not in answer.headers["Set-Cookie"]
    assert trial.tokens[0].digest.hex() not in answer.headers["Set-Cookie"]


def test_a_form_has_the_token_in_its_body_and_leads_to_the_page(trial: Trial) -> None:
    answer = trial.client.post("/session", data={"token": trial.text})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert trial.status() == 200


def test_behind_a_prefix_the_form_leads_to_the_page_there(trial: Trial) -> None:
    answer = trial.client.post(
        "/session", data={"token": trial.text}, environ_overrides={"SCRIPT_NAME": "/audit"}
    )
    assert answer.headers["Location"] == "/audit/"


def test_json_has_it_too(trial: Trial) -> None:
    assert trial.client.post("/session", json={"token": trial.text}).status_code == 204
    assert trial.status() == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"token": "aud_x"}}, 401),
        ({"data": b"[" * 900, "content_type": "application/json"}, 400),
        ({"input_stream": io.BytesIO(b"{" * 10**6), "headers": CHUNKED, **ENDED}, 413),
        ({"json": {}}, 400),
        ({"json": []}, 400),
        ({"json": {"token": 1}}, 400),
        ({"data": b"{"}, 400),
        ({"data": {"token": "x" * 2000}}, 413),
        ({"headers": {"Authorization": "Bearer aud_x"}}, 401),
    ],
)
def test_what_is_no_token_begins_none(trial: Trial, sent: dict[str, object], status: int) -> None:
    answer = trial.client.post("/session", **sent)
    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert trial.status() == 401


def session_of(trial: Trial) -> str:
    answer = trial.stranger.post("/session", headers=bearer(trial.text))
    return answer.headers["Set-Cookie"].partition(";")[0]


@pytest.mark.parametrize(
    "header",
    ["{}", "a=1; {}; b=2", 'prefs={{"a":1}}; {}', "a[b]=1;{}", "session=x; usr_session=y; {}"],
)
def test_other_cookies_are_none_of_its_business(trial: Trial, header: str) -> None:
    cookie = session_of(trial)
    headers = {"Cookie": header.format(cookie)}
    assert trial.stranger.get("/it", headers=headers).status_code == 200


def test_no_cookie_takes_long(trial: Trial) -> None:
    for header in ('aud_session="' + "\\" * 60_000, "a=;" * 80_000, "=" * 200_000):
        began = time.process_time()
        assert trial.stranger.get("/it", headers={"Cookie": header}).status_code == 401
        # Generous: it took seconds.
        assert time.process_time() - began < 0.5


def test_what_is_kept_of_a_token_makes_no_session(trial: Trial) -> None:
    (token,) = trial.tokens
    forged = SessionKind("aud_session", "")
    with trial.client.application.test_request_context():
        response = trial.client.application.make_response("")
        forged.begin(response, token, secure=False)
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    assert trial.stranger.get("/it", headers={"Cookie": cookie}).status_code == 401
