"""Commands `tokens …` of both services, in processes of their own."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import processes, terminal
from tests.support.access_table import bearer
from tests.support.terminal import Output
from tests.support.waiting import wait_until

SERVICES = {
    "audit-service": ("AUDIT_SERVICE", "events:read", "/v1/events"),
    "user-service": ("USER_SERVICE", "users:read", "/v1/user"),
}


class Tokens:
    """The commands of a service on a database of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.prefix, self.scope, self.path = SERVICES[name]
        file = f"{folder}/{'events' if name == 'audit-service' else 'users'}.db"
        self.settings = {
            f"{self.prefix}_DATABASE_URL": f"sqlite:///{file}",
            f"{self.prefix}_AUTH": "tokens",
        }
        assert terminal.run([name, "migrate"], None, self.settings).code == 0

    def __call__(self, *words: str) -> Output:
        return terminal.run([self.name, "tokens", *words], None, self.settings)

    def listed(self) -> list[Any]:
        return list(json.loads(self("list", "--json").raw))


@pytest.fixture(params=SERVICES)
def tokens(request: pytest.FixtureRequest, tmp_path: Path) -> Tokens:
    return Tokens(request.param, tmp_path)


def test_a_token_is_shown_once_and_looked_after_by_its_name(tokens: Tokens) -> None:
    made = tokens("create", "me", "--scope", tokens.scope, "--expires", "90d")
    assert (made.code, len(made.lines)) == (0, 1)
    taken = tokens("create", "me", "--scope", "admin")
    assert (taken.code, "there is a token of that name" in taken.raw) == (1, True)
    renewed = tokens("rotate", "me", "--keep", "1h")
    assert renewed.code == 0
    assert renewed.lines != made.lines
    assert [each["state"] for each in tokens.listed()] == ["holds", "holds"]
    assert tokens("revoke", "me").code == 0
    assert [each["state"] for each in tokens.listed()] == ["revoked", "revoked"]
    for words in (["revoke", "me"], ["rotate", "me"]):
        gone = tokens(*words)
        assert (gone.code, "no token of that name" in gone.raw) == (1, True)
    table = tokens("list")
    assert made.lines[0] not in table.raw
    assert tokens.scope in table.raw


@pytest.mark.parametrize(
    "words",
    [
        ["create", "me"],
        ["create", "me", "--scope", "nothing:here"],
        ["create", "a b", "--scope", "admin"],
        ["create", "x" * 101, "--scope", "admin"],
        ["create", "me", "--scope", "admin", "--expires", "soon"],
    ],
)
def test_wrong_usage_is_2(tokens: Tokens, words: list[str]) -> None:
    assert tokens(*words).code == 2
    assert tokens.listed() == []


def test_bounds_are_never_empty_and_no_token_is_named_as_the_service(tmp_path: Path) -> None:
    tokens = Tokens("audit-service", tmp_path)
    assert tokens("create", "me", "--scope", "events:write", "--source", "").code == 2
    assert tokens("create", "audit-service", "--scope", "admin").code == 1
    assert tokens.listed() == []


def test_a_token_that_is_rotated_holds_as_long_as_it_did(tokens: Tokens) -> None:
    tokens("create", "me", "--scope", "admin", "--expires", "10s")
    assert tokens("rotate", "me", "--keep", "0s").code == 0
    old, new = (datetime.fromisoformat(each["expires"]) for each in tokens.listed())
    made = datetime.fromisoformat(tokens.listed()[1]["created"])
    assert new - made == timedelta(seconds=10)
    assert old <= made


def test_a_token_holds_in_every_worker_within_two_seconds_and_no_longer(
    tokens: Tokens, tmp_path: Path
) -> None:
    make = processes.audit_service if tokens.name == "audit-service" else None
    service = (
        make(tmp_path, **tokens.settings)
        if make
        else processes.user_service(tmp_path, "http://127.0.0.1:1/", **tokens.settings)
    )
    with service:
        text = tokens("create", "me", "--scope", tokens.scope).lines[0]

        def statuses() -> set[int]:
            return {
                requests.get(
                    service.url + tokens.path,
                    headers={**bearer(text), "Connection": "close"},
                    timeout=10,
                ).status_code
                for _ in range(20)
            }

        assert wait_until(lambda: statuses() == {200}) < 3
        assert tokens("revoke", "me").code == 0
        assert wait_until(lambda: statuses() == {401}) < 3


def test_command_lines_send_the_token_of_their_environment(tmp_path: Path) -> None:
    tokens = Tokens("audit-service", tmp_path)
    text = tokens("create", "me", "--scope", tokens.scope).lines[0]
    file = tmp_path / "token"
    file.write_text(f"{text}\n")
    with processes.audit_service(tmp_path, **tokens.settings) as service:
        for environ, code in (
            ({}, 1),
            ({"AUDIT_SERVICE_TOKEN": text}, 0),
            ({"AUDIT_SERVICE_TOKEN_FILE": str(file)}, 0),
            ({"AUDIT_SERVICE_TOKEN_FILE": str(tmp_path / "absent")}, 1),
        ):
            output = terminal.run(["audit-service", "search", "--url", service.url], None, environ)
            assert output.code == code, output.raw
            assert text not in output.raw
