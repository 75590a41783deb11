"""A process whose main work is something else is seen from outside all the same."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import requests
from flask import Flask

from service_kit.http import app as service_app
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics
from service_kit.process import admin_server
from service_kit.process.admin_server import AdminServer
from service_kit.process.ports import PortTaken
from tests.support.metrics_scrape import Scrape

HELD = Gauge("trial_lease_held", "Whether this process holds the lease")


def _fails() -> None:
    raise RuntimeError


def _app() -> Flask:
    metrics = Metrics()
    metrics.gauges([HELD], lambda: {HELD: True})
    return service_app.create(
        __name__,
        title="Trial",
        version="1",
        problem_for={},
        checks={"database": _fails},
        metrics=metrics,
    )


@pytest.fixture
def port() -> Iterator[AdminServer]:
    port = admin_server.start(_app())
    yield port
    port.close()


def test_health_and_metrics_are_told_over_http(port: AdminServer) -> None:
    assert requests.get(f"{port.url}/livez", timeout=5).json() == {"status": "ok"}
    unready = requests.get(f"{port.url}/readyz", timeout=5)
    assert (unready.status_code, unready.json()["checks"]) == (503, {"database": "failing"})
    assert "Server" not in unready.headers
    scrape = Scrape(requests.get(f"{port.url}/metrics", timeout=5).text)
    assert scrape.value("trial_lease_held") == 1
    assert scrape.value("http_requests_total", method="GET", route="/readyz", status="503") == 1


def test_an_admin_server_is_reached_from_this_machine_alone_by_default(port: AdminServer) -> None:
    assert port.url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_refused_and_named(port: AdminServer) -> None:
    bind = port.url.removeprefix("http://")
    with pytest.raises(PortTaken, match=f"{bind}: .*in use"):
        admin_server.start(_app(), bind)


def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with pytest.raises(PortTaken, match=r"cannot listen on nowhere\.invalid:80: "):
        admin_server.start(_app(), "nowhere.invalid:80")


def test_a_closed_port_is_free_at_once_though_clients_were_connected() -> None:
    port = admin_server.start(_app())
    bind = port.url.removeprefix("http://")
    before = threading.active_count()
    with requests.Session() as session:
        assert session.get(f"{port.url}/livez", timeout=5).ok
        port.close()
        assert threading.active_count() < before
        with pytest.raises(requests.ConnectionError):
            session.get(f"{port.url}/livez", timeout=5)
    again = admin_server.start(_app(), bind)
    assert requests.get(f"{again.url}/livez", timeout=5).ok
    again.close()


def test_ipv6_is_served_where_the_machine_has_it() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs IPv6")
    port = admin_server.start(_app(), "[::1]:0")
    assert requests.get(f"{port.url}/livez", timeout=5).ok
    port.close()


def test_a_process_that_is_done_is_not_kept_by_its_port() -> None:
    code = (
        "from service_kit.http import app\nfrom service_kit.process import admin_server\n"
        "made = app.create('x', title='x', version='1', problem_for={}, checks={})\n"
        "admin_server.start(made)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0
