"""Slow clients of every kind: the relay and the consumer answer a probe as if there were none."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.support.ports import free_port
from tests.support.processes import Relay, Service
from tests.support.slow_clients import (
    HALF_BODY,
    HALF_HEAD,
    LAST_ONE,
    METRICS,
    Attack,
    best_p99_beside,
    close_together,
    holding,
    probe,
)

pytestmark = pytest.mark.faults

MOST_SECONDS = 0.1
PROBES = 200

# With how many connections of each: a few, or with FAULTS=full ten times what stopped a service.
ATTACKS: dict[str, tuple[Attack, int, int]] = {
    "half a head": (holding(HALF_HEAD), 99, 400),
    "half a body": (holding(HALF_BODY), 99, 400),
    "nothing": (holding(), 99, 10_000),
    "the last request, and the socket left open": (holding(LAST_ONE), 99, 1000),
    "closed together": (close_together, 99, 1400),
    "large answers that nobody reads": (holding(10 * METRICS), 22, 220),
}


class Consumer(Service):
    """A consumer, which is seen on its admin port; live, but not ready without a broker."""

    command = "consume"
    bind = "CONSUMER_BIND"
    ready_path = "/livez"


@pytest.fixture(scope="module", params=["relay", "consumer"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The small port of a process in operation."""
    folder, port = tmp_path_factory.mktemp("small-port"), free_port()
    nowhere = f"127.0.0.1:{free_port()}"
    service: Service
    if request.param == "relay":
        users = f"sqlite:///{folder}/users.db"
        settings = {"USER_SERVICE_DATABASE_URL": users, "USER_SERVICE_SINK": f"http://{nowhere}/"}
        service = Relay("user-service", folder, port, settings)
    else:
        events = f"sqlite:///{folder}/events.db"
        topic = f"kafka://{nowhere}/audit"
        settings = {"AUDIT_SERVICE_DATABASE_URL": events, "AUDIT_SERVICE_KAFKA": topic}
        service = Consumer("audit-service", folder, port, settings)
    with service:
        yield service.url


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("kind", ATTACKS)
def test_slow_clients_delay_no_probe_of_a_small_port(
    url: str, kind: str, times: Callable[[int, int], int]
) -> None:
    attack, few, many = ATTACKS[kind]
    attack_it = partial(attack, url, times(few, many))
    probes = {"/livez": partial(probe, url)}
    assert best_p99_beside(attack_it, probes, PROBES, MOST_SECONDS)["/livez"] < MOST_SECONDS
