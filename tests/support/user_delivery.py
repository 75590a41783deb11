"""Requests to a user service whose sink fails, with their responses and log lines."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from service_kit.clock import now
from user_service.sinks.cloudevents import CloudEvent, describe
from user_service.users.domain import ChangeKind, User, UserChange

PROBLEM = "application/problem+json"
OK = b"HTTP/1.1 200 OK\r\n"
LIMIT_SECONDS = 3.0


@dataclass(frozen=True)
class Attempted:
    """What became of a request: its answer, the lines it left, and how long it took."""

    answer: TestResponse
    lines: list[Any]
    seconds: float


def create(app: Flask) -> TestResponse:
    return app.test_client().post("/v1/user", json={"name": "Ozzy", "password": "12345"})


def attempt(app: Flask) -> Attempted:
    began = time.monotonic()
    with capture_logs() as logged:
        answer = create(app)
    seconds = time.monotonic() - began
    return Attempted(answer, [line for line in logged if line["log_level"] == "error"], seconds)


def users(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        count: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
        return count


def assert_not_done(attempted: Attempted, outcome: str, file: Path) -> str:
    """Why it was not done, as the log has it."""
    assert attempted.seconds < LIMIT_SECONDS
    assert attempted.answer.status_code == 500, attempted.answer.text
    assert attempted.answer.content_type == PROBLEM
    assert attempted.answer.get_json()["outcome"] == outcome
    assert users(file) == 0
    (line,) = attempted.lines
    assert line["outcome"] == outcome
    assert line["event_id"]
    reason: str = line["reason"]
    return reason


def an_event() -> CloudEvent:
    """An event of a user's creation."""
    user = User("u", "Ozzy", 1, now(), now())
    return describe(UserChange(ChangeKind.CREATED, user, user.created_at), "/source")
