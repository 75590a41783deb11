"""Commands `user-service users …`: their effect and output, the source of a password."""

import json
import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.support.sink_server import Sink, answering, open_sink
from tests.support.user_api import story
from tests.support.user_commands import SECRET, created, done, users
from user_service.cli.users import UsersClient


@pytest.fixture
def database_url(database_file: Path) -> str:
    """SQLite's alone: the commands know HTTP and no database."""
    return f"sqlite:///{database_file}"


# Effect and output


def test_a_user_that_is_created_is_in_the_service_with_its_event(url: str, sink: Sink) -> None:
    user = created(url)
    assert requests.get(f"{url}/v1/user/{user['id']}", timeout=5).json() == user
    assert story(sink) == [("user.storeUser", "1")]


def test_show_prints_the_user_as_the_service_does(url: str) -> None:
    user = created(url, "Zo\u00eb")
    assert json.loads(done(users(url, "show", user["id"], "--json"))) == user


def test_list_prints_all_users_of_all_pages(url: str) -> None:
    made = [created(url, str(n)) for n in range(3)]
    assert json.loads(done(users(url, "list", "--json"))) == made
    assert list(UsersClient(url, page_size=1).pages("")) == made


def test_list_prints_those_alone_whose_name_begins_so(url: str) -> None:
    made = [created(url, name) for name in ("50% & more", "50 years", "Ozzy")]
    assert json.loads(done(users(url, "list", "--name", "50% &", "--json"))) == made[:1]
    assert json.loads(done(users(url, "list", "--name", "nobody", "--json"))) == []


def test_update_changes_the_name_the_password_or_both(url: str, sink: Sink, tmp_path: Path) -> None:
    user = created(url)
    file = tmp_path / "password"
    file.write_text("new one\n")
    words = ["update", user["id"], "--json"]
    assert json.loads(done(users(url, *words, "--name", "Zoe")))["name"] == "Zoe"
    done(users(url, *words, "--password-file", str(file)))
    both = done(users(url, *words, "--name", "Max", "--password-file", str(file)))
    assert json.loads(both)["name"] == "Max"
    changed = [json.loads(event.body).get("changed") for event in sink.received]
    assert changed == [None, ["name"], ["password"], ["name", "password"]]


def test_delete_prints_nothing(url: str, sink: Sink) -> None:
    user = created(url)
    assert done(users(url, "delete", user["id"])) == ""
    assert story(sink)[-1] == ("user.deleteUser", "2")


def test_commands_print_a_table_without_json(url: str) -> None:
    one, other = created(url, "Ozzy Osbourne"), created(url, "Zo\u00eb")
    head, first, second = done(users(url, "list")).splitlines()
    assert head.split() == ["id", "name", "created_at", "updated_at"]
    for line, user in ((first, one), (second, other)):
        assert line.split("  ")[0] == user["id"]
        assert line.index(user["name"]) == head.index("name")
        assert line.index(user["created_at"]) == head.index("created_at")
    assert done(users(url, "show", one["id"])).splitlines()[1].startswith(one["id"])
    assert done(users(url, "list", "--name", "nobody")).split() == head.split()


# Password


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_password_is_read_from_a_file_less_its_line_end(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(f" {SECRET}\u00eb {ending}".encode())
    with open_sink(answering(201, body=b"{}")) as service:
        done(users(service.url, "create", "Ozzy", "--password-file", str(file), "--json"))
        words = ("create", "Ozzy", "--password-file", "-", "--json")
        done(users(service.url, *words, stdin=file.read_bytes()))
        sent = [json.loads(request.body) for request in service.received]
    assert [body["password"] for body in sent] == [f" {SECRET}\u00eb "] * 2


def type_in(url: str, words: list[str], typed: list[str]) -> tuple[int, str]:
    """The exit code, and everything that a terminal showed, of a command typed at it."""
    terminal, theirs = pty.openpty()
    command = [str(Path(sys.executable).parent / "user-service"), "users", "--url", url, *words]
    shown = b""
    with closing(os.fdopen(terminal, "rb", buffering=0)) as screen:
        with subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as process:
            os.close(theirs)
            for line in typed:
                # Only once it asks has it turned the echo off.
                asked = shown.count(b": ")
                while shown.count(b": ") == asked:
                    shown += screen.read(1)
                os.write(terminal, f"{line}\n".encode())
            try:
                while more := screen.read(1024):
                    shown += more
            except OSError:
                pass  # The terminal was hung up: nobody writes to it any more.
        return process.returncode, shown.decode()


@pytest.mark.parametrize("command", ["create", "update"])
def test_a_password_is_asked_for_twice_and_never_shown(url: str, sink: Sink, command: str) -> None:
    words = ["create", "Zoe"] if command == "create" else ["update", created(url)["id"]]
    before = len(sink.received)
    options = [] if command == "create" else ["--password"]
    code, shown = type_in(url, [*words, *options], [SECRET, SECRET])
    assert code == 0, shown
    assert "Password: " in shown
    assert SECRET not in shown
    assert len(sink.received) == before + 1


def test_a_prompt_is_no_output(url: str) -> None:
    result = users(url, "create", "Zoe", "--json", stdin=f"{SECRET}\n{SECRET}\n")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["name"] == "Zoe"
    assert SECRET not in result.output
