"""Audit service with tokens, and what it tells of itself."""

from typing import Any

from flask import Flask

from audit_service import create_app
from audit_service.settings import Settings
from tests.support.access_table import Tokens, bearer
from tests.support.log_databases import Store

EVENT = {
    "ce-id": "1",
    "ce-source": "/users/eu",
    "ce-type": "t",
    "ce-specversion": "1.0",
}


def opened(store: Store, **settings: Any) -> Flask:
    """The application on a log that is there."""
    return create_app(Settings(database_url=store.url, index="none", **settings))


def told(app: Flask, tokens: Tokens, kind: str) -> list[Any]:
    """The data of own events of a kind, the oldest first."""
    answer = app.test_client().get(
        f"/v1/events?type={kind}&order=asc", headers=bearer(tokens.make("events:read"))
    )
    assert answer.status_code == 200, answer.text
    return [item["event"]["data"] for item in answer.get_json()["items"]]
