"""Of two relays the active one is killed, again and again: another delivers within 10 s."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support import processes
from tests.support.faults import change_load, evidence, recording_proxy, relays
from tests.support.faults.relays import Pair
from tests.support.sink_server import Sink
from tests.support.waiting import wait_until
from user_service.store.outbox import State

pytestmark = pytest.mark.faults

TAKEOVER_SECONDS = 10


@pytest.mark.timeout(1800)
def test_killing_the_active_relay_loses_no_event_and_breaks_no_order(
    tmp_path: Path, engine: Engine, database_url: str, times: Callable[[int, int], int]
) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        recording_proxy.noting(audit.url) as sink,
        relays.pair(tmp_path, engine, database_url, sink.url) as pair,
    ):
        with change_load.going_on(engine) as changes:
            for _ in range(times(1, 50)):
                _arrive(sink, more=20)
                _kill_the_active_one(pair, sink)
        wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    evidence.check_each_once(log)
    changes.check_number(len(log))
    evidence.check_first_arrivals_in_order(log)
    evidence.check_first_arrivals_in_order(evidence.on_the_wire(sink.received))


def _kill_the_active_one(pair: Pair, sink: Sink) -> None:
    active = pair.active()
    assert active is not None
    active.kill()
    heir = pair.other(active)
    took = wait_until(lambda: pair.active() is heir, TAKEOVER_SECONDS, "taking over")
    wait_until(lambda: _arrive(sink, more=1), TAKEOVER_SECONDS - took, "delivering")
    active.start()


def _arrive(sink: Sink, more: int) -> bool:
    sink.wait_for(len(sink.received) + more)
    return True
