"""Own events: what the log tells of itself, once, and without a secret."""

import json

import pytest
from flask import Flask

from audit_service.access.bounds import SourceForbidden
from audit_service.log import Backend, EventLog, LogUnavailable, Origin
from audit_service.rejected import RejectedMessage, open_rejected
from audit_service.rejected.redrive import redrive
from audit_service.settings import Settings
from service_kit.disk_reserve import DiskReserve
from tests.support.access_table import Tokens, bearer
from tests.support.audit_access import EVENT, opened, told
from tests.support.log_databases import Store


def test_the_log_tells_of_exports_and_tokens_without_a_secret(app: Flask, tokens: Tokens) -> None:
    client = app.test_client()
    text = tokens.make("events:export", "events:write")
    client.post("/", headers={**EVENT, **bearer(text)})
    exported = client.get("/v1/export?type=t", headers=bearer(text))
    assert [json.loads(line)["id"] for line in exported.data.splitlines()] == ["1"]
    (data,) = told(app, tokens, "audit.exported")
    assert (data["principal"], data["filters"]) == ("token1", "type=t")
    tokens.rotated("admin")
    tokens.revoked("admin")
    created = told(app, tokens, "audit.token.created")
    assert created[0]["scopes"] == ["events:export", "events:write"]
    assert len(told(app, tokens, "audit.token.rotated")) == 1
    assert len(told(app, tokens, "audit.token.revoked")) == 1
    every = client.get("/v1/export?type=audit.*", headers=bearer(text)).data
    assert text.encode() not in every


@pytest.mark.parametrize("reads", [True, False])
def test_reads_are_told_of_where_that_is_set(store: Store, tokens: Tokens, *, reads: bool) -> None:
    app = opened(store, auth="tokens", audit_reads=reads)
    client, reader = app.test_client(), bearer(tokens.make("events:read"))
    for _ in range(3):
        assert client.get("/v1/events?type=t", headers=reader).status_code == 200
    assert client.get("/v1/stats", headers=reader).status_code == 200
    found = [each for each in told(app, tokens, "audit.read") if each["principal"] == "token1"]
    expected = [("/v1/events", "type=t"), ("/v1/stats", "")] if reads else []
    assert [(each["path"], each["query"]) for each in found] == expected
    app.close()


def test_nobody_writes_what_the_log_tells_of_itself(app: Flask, tokens: Tokens) -> None:
    writer = bearer(tokens.make("admin"))
    forged = {**EVENT, **writer, "ce-source": "/audit-service", "ce-type": "audit.token.created"}
    assert app.test_client().post("/", headers=forged).status_code == 403


def test_a_read_that_could_not_be_told_of_is_told_of_when_it_is_done(
    store: Store, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(store, auth="tokens", audit_reads=True)
    client, reader = app.test_client(), bearer(tokens.make("events:read"))
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise LogUnavailable("away")

        patch.setattr(EventLog, "append_entries", away)
        assert client.get("/v1/stats", headers=reader).status_code == 503
    assert client.get("/v1/stats", headers=reader).status_code == 200
    found = [each["path"] for each in told(app, tokens, "audit.read")]
    assert found.count("/v1/stats") == 1
    app.close()


def test_a_token_that_is_in_a_query_by_mistake_is_told_to_nobody(
    store: Store, tokens: Tokens
) -> None:
    app = opened(store, auth="tokens", audit_reads=True)
    text = tokens.make("admin")
    client = app.test_client()
    client.get(f"/v1/events?access_token={text}&type=t", headers=bearer(text))
    client.get(f"/v1/export?type={text}", headers=bearer(text))
    every = client.get("/v1/export", headers=bearer(text)).data
    assert text.encode() not in every
    assert b"access_token=***" in every
    assert b"type=***" in every
    app.close()


def test_who_goes_from_page_to_page_is_told_of_once(store: Store, tokens: Tokens) -> None:
    app = opened(store, auth="tokens", audit_reads=True)
    client, reader = app.test_client(), bearer(tokens.make("events:read"))
    asked = "/v1/events?order=asc&limit=1"
    for _ in range(4):
        page = client.get(asked, headers=reader).get_json()
        asked = f"/v1/events?order=asc&limit=1&cursor={page['next']}" if page["next"] else asked
    assert [each["query"] for each in told(app, tokens, "audit.read")].count("") == 1
    app.close()


def test_a_full_disk_closes_no_export_and_no_drop(
    app: Flask, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, admin = app.test_client(), bearer(tokens.make("admin"))
    bound = bearer(tokens.make("events:write", bounds=("/mine",)))
    monkeypatch.setattr(DiskReserve, "_may_write", lambda *_: False)
    assert client.post("/", headers={**EVENT, **admin}).status_code == 503
    assert client.get("/v1/export", headers=admin).status_code == 200
    assert client.post("/", headers={**EVENT, **bound}).status_code == 403


@pytest.mark.parametrize("is_controlled", [False, True])
def test_what_came_over_kafka_is_not_what_the_log_tells(
    backend: Backend, store: Store, *, is_controlled: bool
) -> None:
    rejected = open_rejected(store.url)
    headers = [(f"ce_{name}", value.encode()) for name, value in OWN.items()]
    rejected.save([RejectedMessage(headers, None, b"", "it was", Origin("t", 0, 1))])
    (kept,) = rejected.page(0, 1)
    given = (kept, EventLog(backend), rejected, Settings().reader)
    if not is_controlled:
        assert redrive(*given, is_controlled=False) == 1
        return
    with pytest.raises(SourceForbidden):
        redrive(*given, is_controlled=True)


OWN = {
    "id": "1",
    "source": "/audit-service",
    "type": "audit.token.revoked",
    "specversion": "1.0",
}
