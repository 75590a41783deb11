"""Every error is a problem document, says nothing that it should not, and has its log line."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient
from pydantic import AfterValidator, BaseModel, ConfigDict
from structlog.testing import capture_logs
from werkzeug.exceptions import ImATeapot
from werkzeug.test import TestResponse

from service_kit.http import app as service_app
from service_kit.http import json_request
from service_kit.http.problems import Problem, unavailable

SECRET = "SELECT secret FROM /etc/passwd"


class NoSuchThing(Exception):
    """A domain's own exception."""


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("must be even")
    return number


class Thing(BaseModel):
    """Something with rules."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: Annotated[int, AfterValidator(_even)]


@pytest.fixture
def app() -> APIFlask:
    app = service_app.create(
        __name__,
        title="Trial",
        version="1",
        problem_for={NoSuchThing: lambda error: Problem(HTTPStatus.GONE, f"no {error}")},
        checks={},
    )
    json_request.register(app, 100, 10)

    @app.get("/fault")
    def fault() -> str:
        raise RuntimeError(SECRET)

    @app.get("/domain")
    def domain() -> str:
        raise NoSuchThing("thing")

    @app.get("/members")
    def members() -> str:
        raise Problem(HTTPStatus.CONFLICT, "why", headers={"X-Own": "1"}, outcome="unknown")

    @app.get("/many")
    def many() -> str:
        errors = [*range(int(request.args["count"]))]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "why", errors=errors)

    @app.get("/busy")
    def busy() -> str:
        raise unavailable("later", retry_after=7)

    @app.get("/teapot")
    def teapot() -> str:
        raise ImATeapot(SECRET)

    @app.get("/things/<thing_id>")
    def thing(thing_id: str) -> str:
        return thing_id

    @app.post("/things")
    @app.input(Thing, arg_name="thing")
    def make(thing: Thing) -> str:
        return str(thing.number)

    return app


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = answer.get_json()
    assert document["type"] == "about:blank"
    assert document["status"] == status
    assert document["title"] == HTTPStatus(status).phrase
    return document


def test_an_unknown_path_is_404(client: FlaskClient) -> None:
    problem(client.get("/nowhere"), 404)


def test_another_method_is_405_and_says_which_are_allowed(client: FlaskClient) -> None:
    answer = client.delete("/things/1")
    problem(answer, 405)
    assert {method.strip() for method in answer.headers["Allow"].split(",")} == {
        "GET",
        "HEAD",
        "OPTIONS",
    }


def test_a_fault_of_ours_is_500_and_says_nothing_of_it(client: FlaskClient) -> None:
    with capture_logs():
        answer = client.get("/fault")
    assert set(problem(answer, 500)) == {"type", "title", "status"}
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_fault_of_ours_is_logged_with_its_exception(client: FlaskClient) -> None:
    with capture_logs() as logged:
        client.get("/fault")
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert isinstance(line["exc_info"], RuntimeError)


def test_a_domains_exception_is_the_problem_that_it_means(client: FlaskClient) -> None:
    assert problem(client.get("/domain"), 410)["detail"] == "no thing"


def test_a_problem_has_members_and_headers_of_its_own(client: FlaskClient) -> None:
    answer = client.get("/members")
    document = problem(answer, 409)
    assert (document["detail"], document["outcome"]) == ("why", "unknown")
    assert answer.headers["X-Own"] == "1"


def test_unavailable_says_when_to_try_again(client: FlaskClient) -> None:
    answer = client.get("/busy")
    assert problem(answer, 503)["detail"] == "later"
    assert answer.headers["Retry-After"] == "7"


def test_an_http_error_of_a_library_does_not_show_its_description(client: FlaskClient) -> None:
    answer = client.get("/teapot")
    problem(answer, 418)
    assert "secret" not in answer.text


def test_of_many_errors_the_first_100_are_shown_and_their_number(client: FlaskClient) -> None:
    found = problem(client.get("/many?count=250"), 422)
    assert (found["errors"], found["error_count"]) == ([*range(100)], 250)
    found = problem(client.get("/many?count=100"), 422)
    assert (found["errors"], found.get("error_count")) == ([*range(100)], None)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [{"pointer": "/number", "detail": "Field required"}]),
        ({"number": 1}, [{"pointer": "/number", "detail": "must be even"}]),
        ({"number": 2, "a/b~c": 1}, [{"pointer": "/a~1b~0c"}]),
        ([2], [{"pointer": ""}]),
    ],
)
def test_input_that_is_not_valid_is_422_with_a_pointer_to_each_fault(
    client: FlaskClient, body: Any, errors: list[dict[str, str]]
) -> None:
    found = problem(client.post("/things", json=body), 422)["errors"]
    assert [error["pointer"] for error in found] == [error["pointer"] for error in errors]
    for error, expected in zip(found, errors, strict=True):
        assert error["detail"] == expected.get("detail", error["detail"])


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"number": 2}', "text/plain", 415),
        (b" " * 101, "application/json", 413),
        (b"[0,0,0,0,0,0,0,0,0,0,0]", "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    client: FlaskClient, content: bytes, content_type: str, status: int
) -> None:
    problem(client.post("/things", data=content, content_type=content_type), status)


def test_every_error_of_the_openapi_document_is_a_problem_document(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    answers = [
        answer
        for path in document["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status >= "400" and "content" in answer
    ]
    assert answers
    assert all(list(answer["content"]) == ["application/problem+json"] for answer in answers)


# Request ids and request lines


@pytest.mark.parametrize("given", ["a", "0123-abc.DEF_~:/+=", str(uuid.UUID(int=1)), "x" * 128])
def test_a_request_id_that_is_fit_is_taken_and_returned(client: FlaskClient, given: str) -> None:
    answer = client.get("/things/1", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "x" * 129, "a b", 'a"b', "a;b", "\u00e9", "a\tb", "<script>", "a,b"]
)
def test_a_request_id_that_is_not_fit_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/things/1", headers={"X-Request-ID": given})
    assert uuid.UUID(answer.headers["X-Request-ID"])


def test_a_request_without_an_id_gets_one_of_its_own(client: FlaskClient) -> None:
    first, second = (client.get("/things/1").headers["X-Request-ID"] for _ in range(2))
    assert uuid.UUID(first) != uuid.UUID(second)


@pytest.mark.parametrize("path", ["/fault", "/nowhere", "/busy", "/things/1"])
def test_every_answer_has_a_request_id(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/things/secret", "/things/<thing_id>", 200),
        ("POST", "/things?secret=1", "/things", 415),
        ("GET", "/secret", "-", 404),
        ("GET", "/fault", "/fault", 500),
        ("GET", "/livez", "/livez", 200),
    ],
)
def test_a_request_leaves_one_line_with_its_route_and_never_its_path(
    client: FlaskClient, method: str, path: str, route: str, status: int
) -> None:
    with capture_logs() as logged:
        client.open(path, method=method)
    (line,) = [line for line in logged if "milliseconds" in line]
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["milliseconds"] >= 0
    assert line["event"] == f"{method} {route} {status} in {line['milliseconds']} ms"
    assert "secret" not in repr(line)
