"""Host header: what is malformed is 400, and a host that is not allowed 421, on every route."""

from collections.abc import Iterator

import pytest
import requests
from flask.testing import FlaskClient

from service_kit.http import app as service_app
from service_kit.process import admin_server
from service_kit.process.admin_server import AdminServer
from service_kit.settings.hosts import AllowedHosts
from tests.support.raw_http import status_line

LISTED = frozenset({"audit-service", "[::1]"})


def _client(hosts: AllowedHosts) -> FlaskClient:
    app = service_app.create(
        __name__, title="Trial", version="1", problem_for={}, checks={}, hosts=hosts
    )
    return app.test_client()


@pytest.fixture(scope="module")
def port() -> Iterator[AdminServer]:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})
    port = admin_server.start(app)
    yield port
    port.close()


@pytest.mark.parametrize(
    "host", ["audit-service", "AUDIT-service:8080", "[::1]", "[::1]:80", "[::1]:"]
)
def test_a_listed_host_is_served_whatever_its_port_and_case(host: str) -> None:
    assert _client(LISTED).get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.test", "audit-service.evil.test", "[::2]:80", "localhost"])
@pytest.mark.parametrize("path", ["/livez", "/nowhere"])
def test_another_host_is_421_as_a_problem(host: str, path: str) -> None:
    answer = _client(LISTED).get(path, headers={"Host": host})
    assert (answer.status_code, answer.content_type) == (421, "application/problem+json")
    assert host not in answer.text


def test_any_host_is_served_where_none_is_excluded() -> None:
    assert _client(None).get("/livez", headers={"Host": "evil.test:1"}).status_code == 200


MALFORMED = ["", "a b", "a/b", "a@b", "a,b", "[::1", "::1", "a:b", "a:123456", "h\xe9"]


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_400_whatever_is_allowed(host: str) -> None:
    for hosts in (LISTED, None):
        answer = _client(hosts).get("/livez", headers={"Host": host})
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_an_admin_server_is_called_by_names_of_loopback_alone(port: AdminServer) -> None:
    for host, status in (("localhost", 200), ("127.0.0.1:1", 200), ("evil.test", 421)):
        answer = requests.get(f"{port.url}/metrics", headers={"Host": host}, timeout=5)
        assert answer.status_code == status


@pytest.mark.parametrize("lines", ["", "Host:\r\n", "Host: localhost\r\nHost: localhost\r\n"])
def test_an_admin_server_refuses_no_host_an_empty_one_and_two(
    port: AdminServer, lines: str
) -> None:
    request = f"GET /livez HTTP/1.1\r\nConnection: close\r\n{lines}\r\n"
    assert " 400 " in status_line(port.url, request.encode())


def test_http_1_0_need_not_name_a_host(port: AdminServer) -> None:
    assert " 200 " in status_line(port.url, b"GET /livez HTTP/1.0\r\n\r\n")
