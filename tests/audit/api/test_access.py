"""Access to the audit service: every route and way to ask, sources, sessions, what is told."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from audit_service import Timing
from audit_service.access.scopes import KINDS, ROUTE_SCOPES
from audit_service.api.stream_timing import StreamTiming
from audit_service.log import LogUnavailable, migrate
from audit_service.search.arrivals import Arrivals
from service_kit.access.stored_token import NoSuchToken, TokenTable
from service_kit.access.token_cache import TokenTiming
from service_kit.http import request_body
from tests.support.access_table import Tokens, bearer, cookie_of, faults, routes, ways
from tests.support.audit_access import AT_ONCE, EVENT, opened, told
from tests.support.audit_client import PROBLEM, Sink
from tests.support.log_databases import Store
from tests.support.waiting import wait_until


def test_every_route_is_for_whom_its_scope_says(app: Flask, tokens: Tokens) -> None:
    client = app.test_client(use_cookies=False)
    options = {"receive.receive": {"headers": EVENT, "data": b""}}
    every = list(routes(app, ROUTE_SCOPES, options))
    assert {route.endpoint for route in every} == set(ROUTE_SCOPES)
    asked = list(ways(tokens, KINDS.scopes, lambda token: cookie_of(client, token)))
    assert faults(client, asked, every) == []


def test_without_access_control_all_may_and_pages_of_others_change_nothing(store: Store) -> None:
    migrate(store.url)
    app = opened(store)
    client = app.test_client()
    assert client.post("/", headers=EVENT).status_code == 204
    assert client.post("/", headers={**EVENT, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/", headers={**EVENT, "Origin": "http://evil"}).status_code == 403
    assert client.post("/session", headers=bearer("x")).status_code == 404
    (item,) = client.get("/v1/events").get_json()["items"]
    assert item["sender"] is None
    app.close()


def test_a_sender_may_write_of_its_sources_only(app: Flask, tokens: Tokens) -> None:
    sink = Sink(app)
    headers = bearer(tokens.make("events:write", bounds=("/users/", "/orders")))
    for source, status in (
        ("/users/eu", 204),
        ("/orders", 204),
        ("/users", 403),
        ("/Users/eu", 403),
        ("http://x/users/", 403),
    ):
        answer = sink.client.post("/", headers={**EVENT, **headers, "ce-source": source})
        assert answer.status_code == status, source
    assert (answer.content_type, answer.get_json()["attribute"]) == (PROBLEM, "source")
    batch = [
        {"specversion": "1.0", "type": "t", "id": f"{n}", "source": source}
        for n, source in enumerate(["/users/1", "/other", "/orders/1", "/x"])
    ]
    answer = sink.post(json.dumps(batch).encode(), "application/cloudevents-batch+json", headers)
    assert answer.status_code == 403
    assert [error["index"] for error in answer.get_json()["errors"]] == [1, 3]
    shown = sink.client.get(
        "/v1/events?sender=token*", headers=bearer(tokens.make("events:read"))
    ).get_json()["items"]
    assert {(item["event"]["source"], item["sender"]) for item in shown} == {
        ("/users/eu", "token1"),
        ("/orders", "token1"),
    }
    (refused,) = told(app, tokens, "audit.source.refused")
    assert refused == {"principal": "token1", "sources": ["/users"]}


def test_a_token_may_be_in_the_query_of_a_delivery_alone(app: Flask, tokens: Tokens) -> None:
    client = app.test_client()
    text = tokens.make("admin")
    assert client.post(f"/?access_token={text}", headers=EVENT).status_code == 204
    assert client.post(f"/?access_token={text[:-1]}-", headers=EVENT).status_code == 401
    both = client.post(f"/?access_token={text}", headers={**EVENT, **bearer(text)})
    assert both.status_code == 400
    twice = client.post(f"/?access_token={text}&access_token={text}", headers=EVENT)
    assert twice.status_code == 422
    assert client.get(f"/v1/events?access_token={text}").status_code == 401
    delivered = client.post(f"/?access_token={text}", headers=EVENT)
    assert delivered.headers["Cache-Control"] == "private"


def test_a_refused_message_keeps_its_sender_and_their_sources(app: Flask, tokens: Tokens) -> None:
    client = app.test_client()
    sender = bearer(tokens.make("events:write", bounds=("/users/",)))
    manager = bearer(tokens.make("rejected:manage"))
    broken = {**EVENT, **sender, "ce-time": "yesterday", "ce-source": "/other"}
    assert client.post("/", headers=broken).status_code == 400
    (listed,) = wait_for_rejected(app, manager)
    assert listed["sender"] == "token1"
    answer = client.post(f"/v1/rejected/{listed['id']}/redrive", headers=manager)
    assert answer.status_code == 409
    assert client.delete(f"/v1/rejected/{listed['id']}", headers=manager).status_code == 204
    (dropped,) = told(app, tokens, "audit.rejected.dropped")
    assert (dropped["principal"], dropped["sender"]) == ("token2", "token1")


def wait_for_rejected(app: Flask, manager: dict[str, str]) -> list[Any]:
    client = app.test_client()

    def listed() -> list[Any]:
        return list(client.get("/v1/rejected", headers=manager).get_json()["items"])

    wait_until(listed)
    return listed()


def test_readiness_shows_reports_to_those_who_may_see_metrics(app: Flask, tokens: Tokens) -> None:
    client = app.test_client()
    assert set(client.get("/readyz").get_json()) == {"status", "checks"}
    seen = client.get("/readyz", headers=bearer(tokens.make("metrics:read")))
    assert "index" in seen.get_json()


def test_who_is_refused_is_counted(app: Flask, tokens: Tokens) -> None:
    client = app.test_client()
    client.get("/v1/events")
    client.get("/v1/events", headers=bearer(tokens.make("events:write")))
    text = client.get("/metrics", headers=bearer(tokens.make("metrics:read"))).text
    for status in ("401", "403"):
        assert f'access_refused_total{{status="{status}"}} 1.0' in text


def test_streams_and_exports_end_with_their_token(store: Store, tokens: Tokens) -> None:
    timing = replace(AT_ONCE, streams=StreamTiming(asked_seconds=0.01))
    app = opened(store, timing, auth="tokens")
    client = app.test_client()
    writer = bearer(tokens.make("events:write"))
    batch = [
        {"specversion": "1.0", "type": "t", "id": f"{n}", "source": "/s", "data": "x" * 3000}
        for n in range(900)
    ]
    sent = client.post(
        "/", json=batch, headers={**writer, "Content-Type": "application/cloudevents-batch+json"}
    )
    assert sent.status_code == 204
    reader = tokens.make("admin")
    followed = client.get("/v1/events/stream", headers=bearer(reader), buffered=False)
    parts = followed.iter_encoded()
    next(parts)
    exported = client.get("/v1/export", headers=bearer(reader), buffered=False).iter_encoded()
    next(exported)
    tokens.revoke("token2")
    assert b"data: " not in b"".join(parts)
    with pytest.raises(ConnectionAbortedError):
        list(exported)
    app.close()


def test_who_is_revoked_while_they_wait_is_told_nothing(
    app: Flask, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, reader = app.test_client(), bearer(tokens.make("events:read"))
    waits = Arrivals.wait_beyond

    def revoked_meanwhile(arrivals: Arrivals, position: int, deadline: float) -> bool:
        with suppress(NoSuchToken):
            tokens.revoke("token1")
        return waits(arrivals, position, deadline)

    monkeypatch.setattr(Arrivals, "wait_beyond", revoked_meanwhile)
    answer = client.get("/v1/events?order=asc&wait=1&type=t", headers=reader)
    assert answer.status_code == 401


def test_who_is_revoked_while_they_send_stores_nothing(
    app: Flask, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = request_body.read

    def revoked_meanwhile(*given: Any) -> bytes:
        tokens.revoke("token1")
        return reads(*given)

    writer = bearer(tokens.make("events:write"))
    with monkeypatch.context() as patch:
        patch.setattr(request_body, "read", revoked_meanwhile)
        assert app.test_client().post("/", headers={**EVENT, **writer}).status_code == 401
    reader = bearer(tokens.make("events:read"))
    assert app.test_client().get("/v1/events?type=t", headers=reader).get_json()["items"] == []


def test_while_tokens_cannot_be_read_nobody_is_told_that_theirs_has_ended(
    store: Store, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = Timing(tokens=TokenTiming(fresh_seconds=0, stale_seconds=1))
    app = opened(store, timing, auth="tokens")
    client, reader = app.test_client(), bearer(tokens.make("events:read"))
    followed = client.get("/v1/events/stream", headers=reader, buffered=False).iter_encoded()
    next(followed)
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise LogUnavailable("away")

        patch.setattr(TokenTable, "all", away)
        wait_until(lambda: client.get("/v1/events", headers=reader).status_code == 503)
    app.is_draining = True
    # It was not ended before.
    list(followed)
    app.close()
