"""An application closes what it was wired with."""

from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp


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
