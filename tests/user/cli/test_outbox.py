"""Commands `user-service outbox …`: status, list, show, retry, replay, drop."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.relay_harness import (
    SinkLog,
    UserEvent,
    drained,
    entries,
    fill,
    judging,
    relaying,
    states,
)
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until
from tests.user.conftest import Query
from user_service.cli import main


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("USER_SERVICE_DATABASE_URL", database_url)


@pytest.fixture
def some(engine: Engine, query: Query) -> dict[str, int]:
    """Events of two users: one that waits, one that backs off, dead letters, a delivered one."""
    fill(engine, "ann", "bob", versions=[1, 2, 3])
    names = [
        "ann-backing-off",
        "bob-dead",
        "ann-waiting",
        "bob-dead-too",
        "ann-delivered",
        "bob-waits",
    ]
    ids = dict(zip(names, [entry.id for entry in entries(engine)], strict=True))
    for name in ("bob-dead", "bob-dead-too"):
        query(
            "UPDATE outbox SET state = 'dead', attempts = 1, tried_seconds = 9.0, settled_at = 1, "
            "last_error = 'the sink answered 400' WHERE id = :id",
            id=ids[name],
        )
    query(
        "UPDATE outbox SET backoff_seconds = 300.0, tried_seconds = 700.04, attempts = 9, "
        "last_error = 'the sink answered 500' WHERE id = :id",
        id=ids["ann-backing-off"],
    )
    query("UPDATE outbox SET type = 'user.storeUser' WHERE id = :id", id=ids["bob-dead"])
    query(
        "UPDATE outbox SET state = 'delivered', settled_at = 1 WHERE id = :id",
        id=ids["ann-delivered"],
    )
    return ids


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["outbox", *[str(word) for word in words]])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*words: object) -> Any:
    return json.loads(done(*words, "--json"))


# Status, list, show


def test_status_says_how_many_wait_since_when_and_who_delivers(
    engine: Engine, some: dict[str, int], query: Query
) -> None:
    query("UPDATE outbox SET created_at = 0 WHERE id = :id", id=some["ann-backing-off"])
    shown = as_json("status")
    assert shown == {
        "waiting": 3,
        "oldest": "1970-01-01T00:00:00+00:00",
        "dead_letters": 2,
        "active_relay": None,
        "fence": 0,
    }
    query("UPDATE relay SET holder = 'host:1', fence = 7")
    lines = done("status").splitlines()
    assert lines[0] == "waiting: 3"
    assert lines[2:] == ["dead letters: 2", "active relay: host:1", "fence: 7"]
    assert len(entries(engine)) == 6


def test_status_of_an_empty_outbox() -> None:
    assert as_json("status")["oldest"] is None
    assert "oldest: -" in done("status")


def test_list_shows_what_waits_and_what_is_dead_the_oldest_first_with_the_last_error(
    some: dict[str, int],
) -> None:
    listed = as_json("list")
    assert [entry["id"] for entry in listed] == sorted(set(some.values()) - {some["ann-delivered"]})
    first, second, *_ = listed
    assert first == {
        "id": some["ann-backing-off"],
        "state": "backing off",
        "user": "ann",
        "type": "user.updateUser",
        "created_at": first["created_at"],
        "attempts": 9,
        "tried_seconds": 700.0,
        "last_error": "the sink answered 500",
    }
    assert (second["state"], second["last_error"]) == ("dead", "the sink answered 400")
    head, line, *rest = done("list").splitlines()
    assert head.split()[:4] == ["id", "state", "user", "type"]
    assert "the sink answered 500" in line
    assert len(rest) == 4


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--user", "ann"], ["ann-backing-off", "ann-waiting"]),
        (["--state", "dead"], ["bob-dead", "bob-dead-too"]),
        (["--state", "delivered"], ["ann-delivered"]),
        (["--state", "waiting", "--user", "bob"], ["bob-waits"]),
        (["--type", "user.storeUser"], ["bob-dead"]),
        (["--limit", "2"], ["ann-backing-off", "bob-dead"]),
        (["--user", "nobody"], []),
    ],
)
def test_list_selects_by_its_options(
    some: dict[str, int], words: list[str], names: list[str]
) -> None:
    assert [entry["id"] for entry in as_json("list", *words)] == [some[name] for name in names]


def test_show_prints_the_event_whole(some: dict[str, int]) -> None:
    shown = json.loads(done("show", some["bob-dead"]))
    assert (shown["state"], shown["attempts"]) == ("dead", 1)
    assert shown["event"]["subject"] == "bob"
    assert shown["event"]["subjectversion"] == 1
    assert shown["event"]["data"] == {"id": "bob", "changed": []}


def test_show_of_an_unknown_id_says_so_in_a_line() -> None:
    result = run("show", 4711)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no 4711" in result.stderr


# Retry, replay, drop


def test_retry_makes_what_backs_off_due_and_nothing_else(
    engine: Engine, some: dict[str, int]
) -> None:
    assert done("retry", "--all") == "1 due now\n"
    assert {entry.backoff_seconds for entry in entries(engine)} == {0.0}
    assert states(engine) == {"waiting": 3, "dead": 2, "delivered": 1}
    assert done("retry", *some.values()) == "0 due now\n"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--all"], {"bob-dead", "bob-dead-too"}),
        (["--user", "bob"], {"bob-dead", "bob-dead-too"}),
        (["--type", "user.storeUser"], {"bob-dead"}),
        (["--type", "user.storeUser", "--user", "ann"], set()),
        (["bob-dead-too"], {"bob-dead-too"}),
        (["ann-waiting", "ann-delivered", "ann-backing-off"], set()),
    ],
)
@pytest.mark.parametrize("command", ["replay", "drop"])
def test_replay_and_drop_take_the_dead_letters_that_are_meant_and_nothing_else(
    engine: Engine, some: dict[str, int], command: str, words: list[str], names: set[str]
) -> None:
    before = {entry.id: entry for entry in entries(engine)}
    arguments = [str(some.get(word, word)) for word in words]
    yes = ["--yes"] if command == "drop" else []
    meant = {some[name] for name in names}
    says = "dropped" if command == "drop" else "waiting again"
    assert done(command, *arguments, *yes) == f"{len(meant)} {says}\n"
    after = {entry.id: entry for entry in entries(engine)}
    for number, entry in before.items():
        if number not in meant:
            assert after[number] == entry
        elif command == "drop":
            assert number not in after
        else:
            assert (after[number].state, after[number].tried_seconds) == ("waiting", 0.0)


def test_nothing_is_dropped_without_yes(engine: Engine, some: dict[str, int]) -> None:
    result = run("drop", some["bob-dead"])
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert len(entries(engine)) == len(some)


@pytest.mark.parametrize("command", ["retry", "replay", "drop"])
def test_a_command_without_a_selection_is_refused(
    engine: Engine, some: dict[str, int], command: str
) -> None:
    result = run(command, *(["--yes"] if command == "drop" else []))
    assert result.exit_code == 2
    assert "--all" in result.stderr
    assert len(entries(engine)) == len(some)


@pytest.mark.parametrize(
    "words",
    [
        ["show", 2**63],
        ["show", "--", -1],
        ["replay", 2**70],
        ["list", "--limit", 0],
        ["list", "--limit", -1],
        ["list", "--state", "gone"],
    ],
)
def test_a_number_out_of_a_databases_range_is_refused(words: list[object]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_database_that_is_not_there_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("USER_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    result = run("status")
    assert result.exit_code == 78
    assert result.stderr.startswith("user-service: USER_SERVICE_DATABASE_URL: ")


# With a running relay


def test_replayed_dead_letters_arrive_in_order_and_what_was_later_has_gone_before(
    engine: Engine, database_url: str
) -> None:
    fill(engine, "ann", "bob", versions=[1, 2, 3, 4])
    mended: list[bool] = []

    def judge(events: Any) -> int:
        bad = events[0].user == "ann" and events[0].version < 4
        return 400 if bad and not mended else 204

    log = SinkLog(judge)
    with (
        capture_logs(),
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url),
    ):
        wait_until(drained(engine))
        assert states(engine) == {"dead": 3}
        assert log.of("ann") == [4]
        mended.append(True)
        assert done("replay", "--user", "ann") == "3 waiting again\n"
        wait_until(lambda: entries(engine) == [])
    assert log.of("ann") == [4, 1, 2, 3]


def test_retry_sends_at_once_what_backs_off(
    engine: Engine, database_url: str, query: Query
) -> None:
    fill(engine, "ann", "bob", versions=[1, 2])
    query("UPDATE outbox SET backoff_seconds = 300.0 WHERE subject = 'ann'")
    log = SinkLog()
    with open_sink(judging(log)) as sink, relaying(database_url, sink.url):
        wait_until(lambda: log.of("bob") == [1, 2])
        assert UserEvent("ann", 1) not in log.singles()
        done("retry", "--user", "ann")
        wait_until(lambda: entries(engine) == [], 5)
    assert log.of("ann") == [1, 2]
