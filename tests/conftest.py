"""Rules of every test: nothing from outside leaks in, and in CI nothing is skipped."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import browser, kafka, postgres

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"

# In the paths of files of which a test needs a broker.
WITH_A_BROKER = ("kafka", "consumer", "test_make_run", "test_disk_reserve")


@pytest.fixture(autouse=True)
def _only_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests reaches a service under test."""
    for name in list(os.environ):
        if name.startswith(("USER_SERVICE_", "AUDIT_SERVICE_")) or name in {
            "K_SINK",
            "DATABASE_URL",
        }:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def often() -> Callable[[int, int], int]:
    """Chooses of two counts of what takes long: the small one, or in CI the large one."""
    return lambda few, many: many if REQUIRE_ALL else few


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server for all tests that want one."""
    if not postgres.is_there():
        pytest.skip(postgres.HOW_TO_GET_IT)
    with postgres.running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_server.new_database(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for all tests that want one."""
    if not browser.is_there():
        pytest.skip(browser.HOW_TO_GET_IT)
    with browser.running() as started:
        yield started


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[kafka.Broker]:
    """A Kafka broker for all tests that want one and leave it running."""
    if not kafka.is_there():
        pytest.skip(kafka.HOW_TO_GET_IT)
    if kafka.ELSEWHERE:
        yield kafka.Broker(kafka.ELSEWHERE)
        return
    with kafka.running() as broker:
        yield broker


@pytest.fixture(scope="module")
def frail_broker() -> Iterator[kafka.OwnBroker]:
    """A Kafka broker for a module's tests that kill it; each MUST leave it running."""
    if not kafka.one_can_be_started():
        pytest.skip(kafka.HOW_TO_GET_ONE_TO_KILL)
    with kafka.running() as broker:
        yield broker


class OneProcessForEach(LoadScopeScheduling):
    """A process for each file, whose fixtures are dear, one for all that needs a broker, and one
    for containers and browsers.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if "compose" in file or "browser" in file:
            # They build one image; and browsers give up requests as networks come and go.
            return "compose"
        return "broker" if any(word in file for word in WITH_A_BROKER) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """How tests are shared out over processes."""
    return OneProcessForEach(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With REQUIRE_ALL=1 a skip is a failure: what CI skips it does not know."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but REQUIRE_ALL=1: {report.longrepr}"
    return report  # type: ignore[return-value]
