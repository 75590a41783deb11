"""Secrets: tokens and passwords are nowhere but hashed, whatever was done with them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.access_table import bearer
from tests.support.waiting import wait_until

EVENT = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}
PASSWORD = "a password that is nobody's"


class Pair:
    """Both services with tokens, and every secret that there was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[str] = []
        self.secrets = [PASSWORD]
        tokens = {"AUDIT_SERVICE_AUTH": "tokens", "AUDIT_SERVICE_AUDIT_READS": "true"}
        self.audit = processes.audit_service(folder, **tokens)
        self.sink_token = folder / "sink-token"
        self.users = processes.user_service(
            folder,
            self.audit.url,
            USER_SERVICE_AUTH="tokens",
            USER_SERVICE_SINK_TOKEN_FILE=self.sink_token,
        )

    def token(self, service: processes.Service, name: str, scope: str) -> str:
        text = service.run_command("tokens", "create", name, "--scope", scope).strip()
        self.secrets.append(text)
        return text

    def ask(self, method: str, url: str, **options: object) -> requests.Response:
        """An answer, all of which is looked through."""
        answer = requests.request(method, url, timeout=10, **options)  # type: ignore[arg-type]
        headers = {k: v for k, v in answer.headers.items() if k != "Set-Cookie"}
        self.seen.append(f"{headers}{answer.text}")
        return answer


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    pair.sink_token.touch()
    with pair.audit, pair.users:
        pair.sink_token.write_text(pair.token(pair.audit, "users", "events:write"))
        yield pair


def test_no_secret_is_in_a_log_a_metric_a_database_an_error_or_an_event(pair: Pair) -> None:
    users, events = pair.users.url, pair.audit.url
    admin = pair.token(pair.audit, "admin", "admin")
    writer = pair.token(pair.users, "writer", "admin")
    manager = bearer(admin)
    wait_until(lambda: requests.get(f"{events}/v1/events", headers=manager, timeout=10).ok)

    user = {"name": "Ada", "password": PASSWORD}

    def created() -> bool:
        return pair.ask("POST", f"{users}/v1/user", json=user, headers=bearer(writer)).ok

    wait_until(created)
    pair.ask("POST", f"{users}/v1/user", json={**user, "more": PASSWORD}, headers=bearer(writer))
    pair.ask("POST", f"{users}/v1/user?access_token={writer}", json=user)
    pair.ask("POST", f"{events}/?access_token={admin}", headers=EVENT)
    pair.ask("POST", f"{events}/?access_token={admin}", headers={**EVENT, **manager})
    pair.ask("POST", f"{events}/?access_token={admin}x", headers=EVENT)
    pair.ask("POST", f"{events}/?access_token={admin}", headers={**EVENT, "ce-time": "never"})
    pair.ask("GET", f"{events}/v1/events?access_token={admin}", headers=manager)
    pair.ask("GET", f"{events}/nowhere?access_token={admin}")
    pair.ask("GET", f"{events}/v1/events", headers={"Authorization": f"Basic {admin}"})
    pair.ask("GET", f"{events}/v1/events", headers={"Cookie": f"session={admin}"})
    session = pair.ask("POST", f"{events}/session", headers=manager)
    cookie = session.headers["Set-Cookie"].partition(";")[0]
    pair.secrets.append(cookie.partition("=")[2])
    pair.ask("GET", f"{events}/v1/events?type=t", headers={"Cookie": cookie})
    rejected = pair.ask("GET", f"{events}/v1/rejected", headers=manager).json()["items"]
    for each in rejected:
        pair.ask("GET", f"{events}/v1/rejected/{each['id']}", headers=manager)
    for url, text in ((events, admin), (users, writer)):
        pair.ask("GET", f"{url}/metrics", headers=bearer(text))
        pair.ask("GET", f"{url}/readyz", headers=bearer(text))
        pair.ask("GET", f"{url}/openapi.json")
    pair.ask("GET", f"{events}/v1/export?format=records", headers=manager)
    for service, name in ((pair.users, "writer"), (pair.audit, "admin")):
        pair.secrets.append(service.run_command("tokens", "rotate", name).strip())
        pair.seen.append(service.run_command("tokens", "list", "--json"))
        pair.seen.append(service.run_command("config"))
    # The audit service's.
    rotated = bearer(pair.secrets[-1])
    wait_until(lambda: requests.get(f"{events}/v1/stats", headers=rotated, timeout=10).ok)
    assert pair.ask("GET", f"{events}/v1/export?format=records", headers=rotated).ok
    assert pair.users.terminate() == pair.audit.terminate() == 0
    assert found(pair) == []


def found(pair: Pair) -> list[str]:
    """Where a secret is, and which."""
    texts = {f"answer {number}": text.encode() for number, text in enumerate(pair.seen)}
    for file in pair.folder.rglob("*"):
        if file.is_file() and file != pair.sink_token:
            texts[file.name] = file.read_bytes()
    assert any(name.endswith(".db") for name in texts)
    assert len(texts) > 20
    return [
        f"{where}: {json.dumps(secret)}"
        for where, text in texts.items()
        for secret in pair.secrets
        if re.sub("^(aud|usr)_", "", secret).encode() in text
    ]
