"""Audit service with tokens, and what it tells of itself."""

from dataclasses import replace
from typing import Any

from flask import Flask

from audit_service import TIMING, Timing, create_app
from audit_service.settings import Settings
from service_kit.http.app import ServiceApp
from tests.support.access_table import SEEN_AT_ONCE, Tokens, bearer
from tests.support.log_databases import Store

EVENT = {
    "ce-id": "1",
    "ce-source": "/users/eu",
    "ce-type": "t",
    "ce-specversion": "1.0",
}


AT_ONCE = replace(TIMING, tokens=SEEN_AT_ONCE)


def opened(store: Store, timing: Timing = AT_ONCE, **settings: Any) -> ServiceApp:
    """The application on a log that is there; what is changed of tokens it sees at once."""
    return create_app(Settings(database_url=store.url, index="none", **settings), timing=timing)


def told(app: Flask, tokens: Tokens, kind: str) -> list[Any]:
    """The data of own events of a kind, the oldest first."""
    answer = app.test_client().get(
        f"/v1/events?type={kind}&order=asc", headers=bearer(tokens.make("events:read"))
    )
    assert answer.status_code == 200, answer.text
    return [item["event"]["data"] for item in answer.get_json()["items"]]
