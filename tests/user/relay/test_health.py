"""Health of a relay: its readiness and its metrics."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.support.metrics_scrape import Scrape
from tests.support.relay_harness import SinkLog, drained, entries, fill, judging, relaying
from tests.support.sink_server import open_sink
from tests.support.waiting import wait_until
from tests.user.conftest import Query
from user_service.relay import RelayStatus, health
from user_service.settings import Settings


@pytest.fixture
def seen(engine: Engine) -> tuple[FlaskClient, RelayStatus]:
    """Who asks, and what the relay tells."""
    app, status = health.create(engine, Settings())
    return app.test_client(), status


@pytest.fixture(autouse=True)
def _logged_apart() -> Iterator[None]:
    with capture_logs():
        yield


def readiness(client: FlaskClient) -> tuple[int, Any]:
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()


def numbers(client: FlaskClient) -> Callable[[str], float | None]:
    scrape = Scrape(client.get("/metrics").text)
    return lambda name: scrape.value(f"user_service_{name}")


def test_a_relay_is_called_by_names_of_loopback_or_by_those_it_is_given(engine: Engine) -> None:
    ours, given = (
        health.create(engine, Settings())[0],
        health.create(engine, Settings(hosts="relay"))[0],
    )
    for host, statuses in (
        ("localhost", (200, 200)),
        ("relay:3001", (421, 200)),
        ("evil", (421, 421)),
    ):
        clients = (ours.test_client(), given.test_client())
        answers = [client.get("/livez", headers={"Host": host}) for client in clients]
        assert tuple(answer.status_code for answer in answers) == statuses


def test_a_standby_is_ready_and_says_so(
    seen: tuple[FlaskClient, RelayStatus],
) -> None:
    client, _ = seen
    status, told = readiness(client)
    assert (status, told["lease"], told["sink"]) == (200, "standing by", "open")
    assert numbers(client)("relay_lease_held") == 0


def test_the_active_relay_says_so(
    engine: Engine, database_url: str, seen: tuple[FlaskClient, RelayStatus]
) -> None:
    client, status = seen
    with (
        open_sink(judging(SinkLog())) as sink,
        relaying(database_url, sink.url, status=status) as relay,
    ):
        wait_until(relay.is_active)
        assert readiness(client)[1]["lease"] == "held"
        assert numbers(client)("relay_lease_held") == 1
        assert entries(engine) == []
    assert readiness(client)[1]["lease"] == "standing by"


def test_a_paused_sink_makes_the_relay_unready_until_it_is_available(
    engine: Engine, database_url: str, seen: tuple[FlaskClient, RelayStatus]
) -> None:
    client, status = seen
    fill(engine, "ann")
    right: list[bool] = []
    log = SinkLog(lambda _: 204 if right else 401)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, status=status),
    ):
        wait_until(lambda: readiness(client)[0] == 503)
        told = readiness(client)[1]
        assert told["checks"] == {"database": "ok", "sink": "failing", "dead_letters": "ok"}
        assert (told["sink"], told["paused_for"]) == ("paused", "misconfigured")
        assert numbers(client)("relay_sink_open") == 0
        right.append(True)
        wait_until(drained(engine))
        wait_until(lambda: readiness(client)[0] == 200)
        assert numbers(client)("relay_sink_open") == 1


def test_a_relay_that_releases_the_lease_forgets_that_the_sink_was_paused(
    engine: Engine, database_url: str, seen: tuple[FlaskClient, RelayStatus]
) -> None:
    client, status = seen
    fill(engine, "ann")
    log = SinkLog(lambda _: 401)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, status=status),
    ):
        wait_until(lambda: readiness(client)[0] == 503)
    assert readiness(client)[0] == 200


def test_an_unavailable_sink_leaves_the_relay_ready(
    engine: Engine, database_url: str, seen: tuple[FlaskClient, RelayStatus]
) -> None:
    client, status = seen
    fill(engine, "ann")
    log = SinkLog(lambda _: 503)
    with (
        open_sink(judging(log)) as sink,
        relaying(database_url, sink.url, status=status),
    ):
        wait_until(lambda: readiness(client)[1]["sink"] == "waiting")
        assert readiness(client)[0] == 200
        assert numbers(client)("relay_sink_open") == 0


def test_outcomes_are_counted_and_the_outbox_is_measured(
    engine: Engine, database_url: str, seen: tuple[FlaskClient, RelayStatus], query: Query
) -> None:
    client, status = seen
    fill(engine, "ann", "bad", "bob", versions=[1, 2])
    once = iter([503])

    def judge(events: Any) -> int:
        return 400 if events[0].user == "bad" else next(once, 204)

    with (
        open_sink(judging(SinkLog(judge))) as sink,
        relaying(database_url, sink.url, status=status),
    ):
        wait_until(drained(engine))
    counted = Scrape(client.get("/metrics").text).values(
        "user_service_relay_events_total", "outcome"
    )
    assert counted == {"delivered": 4, "retried": 1, "dead": 2}
    fill(engine, "new")
    query("UPDATE outbox SET created_at = created_at - 60000000 WHERE state = 'waiting'")
    told = numbers(client)
    assert (told("outbox_waiting"), told("outbox_dead_letters")) == (1, 2)
    assert 60 <= (told("outbox_oldest_seconds") or 0) < 90
