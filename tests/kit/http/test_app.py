"""An application runs each view where it holds up no other, and closes what it was wired with."""

from collections.abc import Callable
from typing import TypeVar

from service_kit.concurrency import Runner
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.http.blocking import never_blocks, reads_much

R = TypeVar("R")


def _app() -> ServiceApp:
    return service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})


def test_close_closes_all_that_was_added_the_last_first() -> None:
    app, closed = _app(), list[str]()
    app.close_with(lambda: closed.append("database"))
    app.close_with(lambda: closed.append("sink"))
    app.close()
    assert closed == ["sink", "database"]


def test_a_second_close_closes_nothing_again() -> None:
    app, closed = _app(), list[str]()
    app.close_with(lambda: closed.append("database"))
    app.close()
    app.close()
    assert closed == ["database"]


def test_views_that_read_much_or_change_something_take_no_turn_of_those_that_read_little() -> None:
    where: list[str] = []

    def runner(name: str) -> Runner:
        def run(call: Callable[[], R], /) -> R:
            where.append(name)
            return call()

        return run

    runners = {name: runner(name) for name in ("reading", "listing", "changing")}
    app = ServiceApp(__name__, **runners)
    app.get("/none")(never_blocks(lambda: "none"))
    app.get("/one", endpoint="one")(lambda: "one")
    app.get("/list", endpoint="list")(reads_much(lambda: "list"))
    app.post("/one", endpoint="change")(lambda: "change")
    client = app.test_client()
    answers = [client.get("/none"), client.get("/one"), client.get("/list"), client.post("/one")]
    assert [answer.text for answer in answers] == ["none", "one", "list", "change"]
    assert where == ["reading", "listing", "changing"]
