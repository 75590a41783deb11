"""PostgreSQL is stopped, or crashes, and comes back: 503 meanwhile, and nothing is lost."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.support import postgres, processes
from tests.support.faults import clients, evidence, history_checks
from tests.support.faults.clients import Answers
from tests.support.processes import Service
from tests.support.waiting import wait_until
from user_service.store import database
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

RESTARTS = 2, 20
BACK_SECONDS = 15


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server that nobody else uses."""
    if not postgres.is_there():
        pytest.skip(postgres.HOW_TO_GET_IT)
    with postgres.running() as server:
        yield server


@pytest.mark.timeout(900)
def test_in_outbox_delivery_all_three_recover_by_themselves(
    tmp_path: Path, server: postgres.Server, times: Callable[[int, int], int]
) -> None:
    users_url, audit_url = _databases(server)
    engine = database.connect(users_url, threads=1)
    settings = {"USER_SERVICE_DATABASE_URL": users_url, "USER_SERVICE_DELIVERY": "outbox"}
    with ExitStack() as running:
        audit = running.enter_context(
            processes.audit_service(tmp_path, AUDIT_SERVICE_DATABASE_URL=audit_url)
        )
        users = running.enter_context(
            processes.user_service(tmp_path, audit.url, **settings, **clients.CHEAPEST_HASHING)
        )
        relay = running.enter_context(processes.relay(tmp_path, audit.url, **settings))
        answers = _restart_under_load(server, [users, audit, relay], times(*RESTARTS))
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)
    engine.dispose()


@pytest.mark.timeout(900)
def test_in_direct_delivery_both_recover_by_themselves(
    tmp_path: Path, server: postgres.Server, times: Callable[[int, int], int]
) -> None:
    users_url, audit_url = _databases(server)
    engine = database.connect(users_url, threads=1)
    with (
        processes.audit_service(tmp_path, AUDIT_SERVICE_DATABASE_URL=audit_url) as audit,
        processes.user_service(
            tmp_path,
            audit.url,
            USER_SERVICE_DATABASE_URL=users_url,
            **clients.CHEAPEST_HASHING,
        ) as users,
    ):
        answers = _restart_under_load(server, [users, audit], times(*RESTARTS))
        wait_until(lambda: evidence.unsettled(engine) == 0, 60)
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)
    engine.dispose()


def _databases(server: postgres.Server) -> Sequence[str]:
    return [server.new_database(f"{name}_{uuid.uuid4().hex}") for name in ("users", "events")]


def _restart_under_load(
    server: postgres.Server, services: Sequence[Service], restarts: int
) -> Answers:
    with clients.at_work(services[0].url) as answers:
        for number in range(restarts):
            answers.wait_for(more=20)
            (server.crash if number % 2 else server.stop)()
            try:
                _see_it_gone(*services)
            finally:
                server.start()
            for service in services:
                wait_until(partial(_is_ready, service), BACK_SECONDS, "being ready")
            answers.wait_for(more=20)
    return answers


def _see_it_gone(users: Service, audit: Service, *relays: Service) -> None:
    for service in (users, audit, *relays):
        assert service.readiness()["checks"]["database"] == "failing"
        assert requests.get(f"{service.url}/livez", timeout=5).status_code == 200
    with requests.Session() as session:
        assert session.get(f"{users.url}/v1/user", timeout=10).status_code == 503
        assert processes.post_event(session, audit.url, processes.fresh_id()) == 503


def _is_ready(service: Service) -> bool:
    return bool(service.readiness()["status"] == "ready")
