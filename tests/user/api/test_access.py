"""Access to the user service: every route and way to ask, and who made a change."""

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service_kit.http import request_body
from tests.support.access_table import (
    SEEN_AT_ONCE,
    Tokens,
    bearer,
    cookie_of,
    faults,
    routes,
    ways,
)
from tests.support.sink_server import Sink
from tests.user.conftest import MakeApp
from user_service.access import KINDS, PREFIX, ROUTE_SCOPES
from user_service.store.tokens import Tokens as TokenAdmin

USER = {"name": "Ada", "password": "secret"}


@pytest.fixture
def make_app(make_app: MakeApp) -> MakeApp:
    """Makes one that sees at once what is changed."""
    return partial(make_app, token_timing=SEEN_AT_ONCE)


@pytest.fixture
def tokens(engine: Engine) -> Tokens:
    return Tokens(TokenAdmin(engine), PREFIX)


def test_every_route_is_for_whom_its_scope_says(
    make_app: MakeApp, tokens: Tokens, sink: Sink
) -> None:
    app = make_app(sink=sink.url, auth="tokens")
    client = app.test_client(use_cookies=False)
    every = list(routes(app, ROUTE_SCOPES, {}))
    assert {route.endpoint for route in every} == set(ROUTE_SCOPES)
    asked = list(ways(tokens, KINDS.scopes, lambda token: cookie_of(client, token)))
    assert faults(client, asked, every) == []
    assert sink.received == []


def test_the_event_says_who_made_the_change(make_app: MakeApp, tokens: Tokens, sink: Sink) -> None:
    client = make_app(sink=sink.url, auth="tokens").test_client()
    answer = client.post("/v1/user", json=USER, headers=bearer(tokens.make("users:write")))
    assert answer.status_code == 201
    (sent,) = sink.received
    assert (sent.headers["ce-authtype"], sent.headers["ce-authid"]) == ("api_key", "token1")


def test_without_access_control_it_is_not_said(make_app: MakeApp, sink: Sink) -> None:
    client = make_app(sink=sink.url).test_client()
    assert client.post("/v1/user", json=USER).status_code == 201
    (sent,) = sink.received
    assert "ce-authid" not in sent.headers


def test_a_page_of_another_site_changes_no_user(make_app: MakeApp, sink: Sink) -> None:
    client = make_app(sink=sink.url).test_client()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post("/v1/user", json=USER, headers=headers).status_code == 403
    assert sink.received == []


def test_a_sink_is_sent_the_token_that_it_asks_for_as_it_is_now(
    make_app: MakeApp, sink: Sink, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    by_file = make_app(sink=sink.url, sink_token_file=str(file)).test_client()
    by_name = make_app(sink=sink.url, sink_token="named").test_client()
    for client, text in ((by_file, "first"), (by_name, "named")):
        assert client.post("/v1/user", json=USER).status_code == 201
        assert sink.received[-1].headers["authorization"] == f"Bearer {text}"
    file.with_name("next").write_text("second")
    file.with_name("next").replace(file)
    assert by_file.post("/v1/user", json=USER).status_code == 201
    assert sink.received[-1].headers["authorization"] == "Bearer second"
    for wrong in ("", "two words", "two\nlines", "é"):
        file.write_text(wrong)
        assert by_file.post("/v1/user", json=USER).status_code == 201
        assert sink.received[-1].headers["authorization"] == "Bearer second"
    file.unlink()
    assert by_file.post("/v1/user", json=USER).status_code == 201
    assert sink.received[-1].headers["authorization"] == "Bearer second"


def test_who_is_revoked_while_they_send_changes_nothing(
    make_app: MakeApp, tokens: Tokens, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(sink=sink.url, auth="tokens").test_client()
    reads = request_body.read

    def revoked_meanwhile(limit: int) -> bytes:
        tokens.revoke("token1")
        return reads(limit)

    writer = bearer(tokens.make("users:write"))
    monkeypatch.setattr(request_body, "read", revoked_meanwhile)
    assert client.post("/v1/user", json=USER, headers=writer).status_code == 401
    assert sink.received == []
