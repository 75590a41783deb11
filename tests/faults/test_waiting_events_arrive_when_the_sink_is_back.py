"""Ten thousand changes are made while the sink is away: all arrive within 30 s of its return."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support import processes
from tests.support.faults import evidence
from tests.support.faults.change_load import ChangeLoad
from tests.support.processes import Service
from tests.support.waiting import wait_until
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

CHANGES = 300, 10_000
OF_A_USER = 10
ARRIVED_SECONDS = 30


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", [1, 100])
def test_all_arrive_in_order_and_once(
    tmp_path: Path,
    engine: Engine,
    database_url: str,
    times: Callable[[int, int], int],
    batch: int,
) -> None:
    audit = processes.audit_service(tmp_path)
    settings = {"USER_SERVICE_DATABASE_URL": database_url, "USER_SERVICE_SINK_BATCH": batch}
    number = times(*CHANGES)
    with processes.relay(tmp_path, audit.url, **settings) as relay, killed_in_the_end(audit):
        _change(engine, number)
        wait_until(lambda: relay.readiness()["sink"] == "waiting")
        assert evidence.in_the_outbox(engine, State.WAITING) == number
        audit.start()
        wait_until(
            lambda: evidence.number_in_the_log(audit.url) >= number,
            ARRIVED_SECONDS,
            f"the arrival of all {number}",
            step=0.5,
        )
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0)
        log = evidence.in_the_log(audit.url)
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    assert len(log) == number


@contextmanager
def killed_in_the_end(service: Service) -> Iterator[None]:
    try:
        yield
    finally:
        service.kill()


def _change(engine: Engine, number: int) -> None:
    changes = ChangeLoad(engine)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(number // OF_A_USER):
            pool.submit(changes.of_one_user, OF_A_USER)
    assert changes.number == number
