"""The user service is killed under load: changes and events still agree."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support import processes
from tests.support.faults import clients, evidence, history_checks
from tests.support.faults.clients import Answers
from tests.support.processes import Service
from tests.support.waiting import wait_until
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

KILLS = 2, 50
KILLS_IN_DIRECT_DELIVERY = 3, 200

# An intent that a crash left has to stand still for so long, by another process's clock.
SETTLED_SECONDS = 60


@pytest.mark.timeout(1800)
def test_in_outbox_delivery_changes_and_events_agree_exactly(
    tmp_path: Path, database_url: str, engine: Engine, times: Callable[[int, int], int]
) -> None:
    database = {"USER_SERVICE_DATABASE_URL": database_url}
    with processes.audit_service(tmp_path) as audit:
        users = processes.user_service(
            tmp_path,
            audit.url,
            USER_SERVICE_DELIVERY="outbox",
            **database,
            **clients.CHEAPEST_HASHING,
        )
        with users, processes.relay(tmp_path, audit.url, **database):
            answers = _kill_under_load(users, times(*KILLS))
            wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)


@pytest.mark.timeout(1800)
def test_in_direct_delivery_changes_and_events_agree_in_the_end(
    tmp_path: Path, database_url: str, engine: Engine, times: Callable[[int, int], int]
) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(
            tmp_path,
            audit.url,
            USER_SERVICE_DATABASE_URL=database_url,
            **clients.CHEAPEST_HASHING,
        ) as users,
    ):
        answers = _kill_under_load(users, times(*KILLS_IN_DIRECT_DELIVERY))
        wait_until(lambda: evidence.unsettled(engine) == 0, SETTLED_SECONDS)
        log = evidence.in_the_log(audit.url)
    history_checks.check(answers, evidence.users_and_versions(engine), log)


def _kill_under_load(users: Service, kills: int) -> Answers:
    with clients.at_work(users.url) as answers:
        for _ in range(kills):
            answers.wait_for(more=30)
            users.kill()
            users.start()
        answers.wait_for(more=30)
    return answers
