"""`/livez` says that the process serves, `/readyz` what it lacks."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from service_kit.http import app as service_app


def _client(checks: dict[str, Any], reports: dict[str, Any] | None = None) -> FlaskClient:
    app = service_app.create(
        __name__, title="Trial", version="1", problem_for={}, checks=checks, reports=reports
    )
    return app.test_client()


def _fails() -> None:
    raise RuntimeError("SELECT secret")


def _works() -> None:
    pass


def test_a_process_that_serves_is_live_whatever_it_depends_on() -> None:
    answer = _client({"database": _fails}).get("/livez")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_a_service_is_ready_when_all_dependencies_work() -> None:
    answer = _client({"database": _works, "disk": _works}).get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "checks": {"database": "ok", "disk": "ok"}}


@pytest.mark.parametrize("error", ["SELECT secret", ""])
def test_a_failing_dependency_is_named_and_not_explained(error: str) -> None:
    def fails() -> None:
        raise RuntimeError(error)

    client = _client({"database": fails, "disk": _works})
    with capture_logs() as logged:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "unready",
        "checks": {"database": "failing", "disk": "ok"},
    }
    (line,) = [line for line in logged if line["log_level"] == "warning"]
    assert (line["dependency"], line["reason"]) == ("database", "RuntimeError")
    assert "secret" not in repr(logged)


def test_a_service_is_ready_again_once_its_dependency_works_again() -> None:
    checks = [_fails, _works]

    def check() -> None:
        checks.pop(0)()

    client = _client({"database": check})
    with capture_logs():
        assert [client.get("/readyz").status_code for _ in range(2)] == [503, 200]


def test_a_report_does_not_decide_readiness() -> None:
    answer = _client({"database": _works}, {"sink": lambda: {"last": "failed"}}).get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["sink"] == {"last": "failed"}
