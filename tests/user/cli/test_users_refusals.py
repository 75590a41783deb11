"""Commands `user-service users …`: refusals, misuse, hostile responses."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support.sink_server import Sink, answering, closed_port, in_turn, open_sink, sending
from tests.support.user_commands import SECRET, done, ended, served, users
from tests.user.conftest import MakeApp


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: the commands know HTTP and no database."""
    return f"sqlite:///{database_file}"


# Refusals


def test_a_refusal_of_the_service_is_1_and_says_why(url: str) -> None:
    nobody = str(uuid.uuid4())
    for words in (("show", nobody), ("delete", nobody), ("update", nobody, "--name", "x")):
        assert "there is no user of this id" in ended(users(url, *words), 1)
    line = ended(users(url, "create", " ", "--password-file", "-", stdin=SECRET), 1)
    assert "/name: must have 1 to 200 characters" in line
    assert SECRET not in line


def test_a_sink_that_fails_is_1_and_says_so(make_app: MakeApp) -> None:
    with open_sink(in_turn(500)) as sink, served(make_app(sink=sink.url)) as url:
        result = users(url, "create", "Ozzy", "--password-file", "-", stdin=SECRET)
        assert "was not made" in ended(result, 1)


@pytest.mark.parametrize(
    "words",
    [
        ["update", str(uuid.uuid4())],
        ["show"],
        ["show", "x"],
        ["show", ""],
        ["delete", ".."],
        ["create"],
        ["create", "x", "--password-file", "/nowhere/at/all"],
        ["list", "--limit", "1"],
        ["drop"],
    ],
)
def test_wrong_usage_is_2_and_asks_the_service_nothing(words: list[str]) -> None:
    with open_sink(answering()) as service:
        result = users(service.url, *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Usage: " in result.stderr
        assert service.received == []


def test_a_password_file_that_is_no_text_is_2(url: str, sink: Sink) -> None:
    result = users(url, "create", "x", "--password-file", "-", stdin=b"\xff\xfe")
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr
    assert sink.received == []


@pytest.mark.parametrize("words", [("list",), ("delete", str(uuid.uuid4()))])
def test_a_service_that_cannot_be_reached_is_69(words: tuple[str, ...]) -> None:
    with closed_port() as port:
        assert "cannot be reached" in ended(users(f"http://127.0.0.1:{port}", *words), 69)
    ended(users("no-url", *words), 69)


def test_a_server_that_is_no_user_service_is_recognised() -> None:
    with open_sink(answering(200, body=b"<html>")) as other:
        assert "is no user service" in ended(users(other.url, "list"), 69)
    with open_sink(answering(500, body=b"<html>")) as other:
        assert "answered 500" in ended(users(other.url, "list"), 1)
    with open_sink(answering(302, ["Location: /elsewhere"])) as other:
        assert "answered 302" in ended(users(other.url, "list"), 1)
        assert len(other.received) == 1


# Control characters


def answer(status: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + content


EVIL = "\x1b[2Jname\nof\u2028two\x9blines\u202e\x07"


def plain(printed: str, lines: int) -> None:
    assert len(printed.splitlines()) == lines
    assert printed.replace("\n", "").isprintable()


def test_output_has_no_control_characters_of_a_response() -> None:
    user = {"id": EVIL, "name": EVIL, "created_at": EVIL, "updated_at": EVIL}
    some_id = str(uuid.uuid4())
    with open_sink(sending(answer("200 OK", user))) as service:
        plain(done(users(service.url, "show", some_id)), lines=2)
        plain(done(users(service.url, "show", some_id, "--json")), lines=1)
    with open_sink(sending(answer("404 Not Found", {"title": "x", "detail": EVIL}))) as service:
        plain(ended(users(service.url, "show", some_id), 1), lines=1)
