"""Requests to a user service, its responses and events."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.sink_server import Received, Sink, holding, open_sink

PROBLEM = "application/problem+json"
JSON = "application/json"
ARTICLE = b'{"name": "Ozzy Osbourne", "password": "12345"}'


def post(
    client: FlaskClient, body: bytes | dict[str, Any], headers: dict[str, str] | None = None
) -> TestResponse:
    """Ask for a new user."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/v1/user", data=content, headers={"Content-Type": JSON, **(headers or {})})


def created(client: FlaskClient, headers: dict[str, str] | None = None, **of: str) -> Any:
    """A new user, as the answer shows them."""
    body = {"name": "Ozzy Osbourne", "password": "12345", **of}
    answer = post(client, body, headers)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def patch(
    client: FlaskClient, user: Any, headers: dict[str, str] | None = None, **of: Any
) -> TestResponse:
    """Ask for a change of a user."""
    return client.patch(
        path(user), data=json.dumps(of), headers={"Content-Type": JSON, **(headers or {})}
    )


def path(user: Any) -> str:
    """Where a user is."""
    return f"/v1/user/{user['id']}"


def refused(answer: TestResponse, status: int) -> Any:
    """The problem document of a response."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == PROBLEM
    problem = answer.get_json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


def attributes(event: Received) -> dict[str, str]:
    """An event's attributes, as they came."""
    return {name[3:]: value for name, value in event.headers.items() if name.startswith("ce-")}


def story(sink: Sink) -> list[tuple[str, str]]:
    """Type and version of each event that came, oldest first."""
    events = [attributes(event) for event in sink.received]
    return [(one["type"], one["subjectversion"]) for one in events]


def same_event(one: Received, other: Received) -> bool:
    """Whether two requests bring an event in the very same bytes."""
    return (attributes(one), one.headers["content-type"], one.body) == (
        attributes(other),
        other.headers["content-type"],
        other.body,
    )


@contextmanager
def held(requests: int) -> Iterator[tuple[Sink, threading.Event]]:
    """A sink that does not answer its first requests until the gate, which is given too, opens."""
    gate = threading.Event()
    with open_sink(holding(gate, requests)) as sink:
        try:
            yield sink, gate
        finally:
            gate.set()


@contextmanager
def under_way(
    app: Flask, sink: Sink, ask: Callable[[FlaskClient], TestResponse]
) -> Iterator[Future[TestResponse]]:
    """A request whose event has reached the sink and waits there; to be let go by the end."""
    before = len(sink.received)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(lambda: ask(app.test_client()))
        sink.wait_for(before + 1)
        yield future
