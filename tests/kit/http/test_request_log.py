"""Lines of a request: buffered where it asks for that, and written when it ends."""

import sys

import pytest
import structlog
from flask import Flask

from service_kit import logs
from service_kit.http import app as service_app
from service_kit.http import request_log


@pytest.fixture
def app() -> Flask:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})

    @app.get("/things/<name>")
    def thing(name: str) -> str:
        request_log.buffer_lines()
        structlog.get_logger().info("found it")
        sys.stdout.write("buffered\n")
        if name == "broken":
            raise RuntimeError
        return name

    return app


@pytest.mark.parametrize(("name", "status"), [("whole", 200), ("broken", 500)])
def test_buffered_lines_of_a_request_are_written_when_it_ends(
    app: Flask, capfdbinary: pytest.CaptureFixture[bytes], name: str, status: int
) -> None:
    logs.configure("trial-service", "console")
    assert app.test_client().get(f"/things/{name}").status_code == status
    first, second, *others = capfdbinary.readouterr().out.decode().splitlines()
    assert (first, second) == ("buffered", "found it")
    assert others[-1].startswith(f"GET /things/<name> {status} in ")


def test_a_request_does_not_buffer_the_lines_of_the_next(
    app: Flask, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs.configure("trial-service", "console")
    app.test_client().get("/things/whole")
    capfdbinary.readouterr()
    structlog.get_logger().info("next")
    assert capfdbinary.readouterr().out == b"next\n"
