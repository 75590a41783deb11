"""Per-user order holds end to end, with three partitions and three consumers of one group."""

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from audit_service.log import Record
from tests.support import processes
from tests.support.consumer_process import ConsumerProcess
from tests.support.faults.clients import CHEAPEST_HASHING
from tests.support.kafka import Broker
from tests.support.log_databases import PostgresStore, SqliteStore, Store
from tests.support.user_factory import user_history
from tests.support.waiting import wait_until

CLIENTS, USERS, CHANGES = 8, 40, 8
LIFE = user_history(CHANGES + 2, deleted=True)
# The soonest that a broker takes a member for dead, unless it is told otherwise.
SOON_DEAD = "session.timeout.ms=6000&heartbeat.interval.ms=1000"


@pytest.fixture
def topic_url(kafka_broker: Broker) -> str:
    """The URL of a new topic of three partitions."""
    return f"kafka://{kafka_broker.address}/{kafka_broker.new_topic(3)}"


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Where the events are to be."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "events.db")
    return PostgresStore(request.getfixturevalue("postgres_url"))


@pytest.fixture
def users_url(request: pytest.FixtureRequest, tmp_path: Path, topic_url: str) -> Iterator[str]:
    """Of a user service of two workers that sends to the topic, by a relay where it needs one."""
    settings = {
        "USER_SERVICE_DELIVERY": request.param,
        "USER_SERVICE_DELIVERY_TIMEOUT": 15,
        "USER_SERVICE_WORKERS": 2,
        **CHEAPEST_HASHING,
    }
    with ExitStack() as running:
        service = running.enter_context(processes.user_service(tmp_path, topic_url, **settings))
        if request.param == "outbox":
            running.enter_context(processes.relay(tmp_path, topic_url, **settings))
        yield service.url


def consumer(folder: Path, topic_url: str, store: Store, name: str) -> ConsumerProcess:
    url = f"{topic_url}?{SOON_DEAD}"
    return ConsumerProcess(folder, url, name, AUDIT_SERVICE_DATABASE_URL=store.url)


@pytest.fixture
def consumers(tmp_path: Path, topic_url: str, store: Store) -> Iterator[list[ConsumerProcess]]:
    """Three of one group, which are starting."""
    with ExitStack() as running:
        names = ("first", "second", "third")
        three = [consumer(tmp_path, topic_url, store, name) for name in names]
        for each in three:
            running.callback(each.kill)
            each.launch()
        yield three


def wait_until_each_has_a_partition(consumers: Sequence[ConsumerProcess]) -> None:
    def shares() -> set[tuple[str, ...]]:
        return {tuple(each.ready()[1]["lag"]) for each in consumers}

    consumers[0].wait_until(lambda: [len(share) for share in shares()] == [1, 1, 1])


def wait_until_each_has_some_in_hand(consumers: Sequence[ConsumerProcess]) -> None:
    """MUST be called while the store is locked, so that it stays so until all store at once."""
    for each in consumers:
        each.wait_until(each.lag)


def ask(method: str, url: str, body: object = None) -> requests.Response:
    """An answer of 2xx. Each is asked for by a connection of its own, and so of any worker."""
    answer = requests.request(method, url, json=body, timeout=30)
    assert answer.ok, answer.text
    return answer


def live(url: str) -> str:
    """A user is made, changed and deleted; their id."""
    user: str = ask("POST", f"{url}/v1/user", {"name": "Ozzy", "password": "12345"}).json()["id"]
    for number in range(CHANGES):
        ask("PATCH", f"{url}/v1/user/{user}", {"name": f"Ozzy {number}"})
    ask("DELETE", f"{url}/v1/user/{user}")
    return user


@contextmanager
def clients(url: str) -> Iterator[list[str]]:
    """Clients that have one user live after the other until the block ends; who has lived."""
    users: list[str] = []
    stop = threading.Event()

    def keep_on() -> None:
        while not stop.is_set():
            users.append(live(url))

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(keep_on) for _ in range(CLIENTS)]
        try:
            yield users
        finally:
            stop.set()
            for each in running:
                each.result()


def stored_once_and_in_order(consumer: ConsumerProcess, users: Sequence[str]) -> Sequence[Record]:
    """The log, which MUST have each user's life as it was, and nothing else."""
    number = len(users) * len(LIFE)
    # Where something is lost, the comparison says what.
    wait_until(lambda: len(consumer.stored()) >= number, 30)
    records, lives = consumer.stored(), defaultdict(list)
    for record in records:
        attributes = record.event.attributes
        version = int(str(attributes["subjectversion"]))
        lives[attributes["subject"]].append((version, record.event.type))
    assert lives == dict.fromkeys(users, LIFE)
    assert len({record.event.id for record in records}) == number
    return records


def partitions_told_by(consumer: ConsumerProcess, records: Sequence[Record]) -> set[int]:
    """The partitions of the events that the consumer says it has stored."""
    told = re.findall(r'"message":"Found .*"position":(\d+)}', consumer.output())
    origins = [records[int(position) - 1].origin for position in told]
    return {origin.partition for origin in origins if origin}


@pytest.mark.parametrize(
    ("users_url", "store"), [("direct", "sqlite"), ("outbox", "postgres")], indirect=True
)
def test_three_consumers_at_once_store_each_users_events_once_and_in_their_order(
    consumers: list[ConsumerProcess], users_url: str, store: Store
) -> None:
    wait_until_each_has_a_partition(consumers)
    with clients(users_url) as users:
        with store.locked():
            wait_until_each_has_some_in_hand(consumers)
        wait_until(lambda: len(users) >= USERS, 60)
    records = stored_once_and_in_order(consumers[0], users)
    partitions = [partitions_told_by(each, records) for each in consumers]
    assert all(partitions)
    assert set().union(*partitions) == {0, 1, 2}


@pytest.mark.faults
@pytest.mark.parametrize(
    ("users_url", "store"), [("direct", "postgres"), ("outbox", "sqlite")], indirect=True
)
def test_a_consumer_killed_with_events_in_hand_and_one_that_joins_change_nothing_of_that(
    consumers: list[ConsumerProcess], users_url: str, store: Store, tmp_path: Path, topic_url: str
) -> None:
    wait_until_each_has_a_partition(consumers)
    killed, survivor, _ = consumers
    with ExitStack() as running:
        with clients(users_url) as users:
            killed.wait_until(lambda: "Found " in killed.output())
            with store.locked():
                wait_until_each_has_some_in_hand(consumers)
                killed.kill()
            newcomer = running.enter_context(consumer(tmp_path, topic_url, store, "newcomer"))
            newcomer.wait_until(lambda: "Found " in newcomer.output())
        stored_once_and_in_order(survivor, users)
