"""Handshake of webhooks: which origins may deliver."""

import pytest

from audit_service.log import migrate
from tests.support.audit_access import opened
from tests.support.log_databases import Store


@pytest.mark.parametrize(
    ("origins", "asked", "allowed"),
    [
        ("", "eventgrid.azure.net", False),
        ("eventgrid.azure.net", "eventgrid.azure.net", True),
        ("EventGrid.azure.net", "eventgrid.Azure.net", True),
        ("eventgrid.azure.net", "xeventgrid.azure.net", False),
        ("*.azure.net", "eventgrid.azure.net", True),
        ("*.azure.net", "azure.net", False),
        ("*.azure.net", "evilazure.net", False),
        ("a.example,*", "anything.example", True),
    ],
)
def test_origins_are_allowed_by_the_handshake_as_they_are_set(
    store: Store, origins: str, asked: str, *, allowed: bool
) -> None:
    migrate(store.url)
    app = opened(store, auth="tokens", webhook_origins=origins, webhook_rate="120")
    answer = app.test_client().options(
        "/",
        headers={
            "WebHook-Request-Origin": asked,
            "WebHook-Request-Callback": "https://x.example/confirm",
            "WebHook-Request-Rate": "1000",
        },
    )
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    expected = (asked, "120") if allowed else (None, None)
    shown = [answer.headers.get(f"WebHook-Allowed-{name}") for name in ("Origin", "Rate")]
    assert tuple(shown) == expected
    app.close()
