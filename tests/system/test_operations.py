"""docs/operations.md is true: the metrics that are told are those in its tables, both ways."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import audit_service
import user_service
from audit_service.consumer import health as consumer_health
from audit_service.consumer.metrics import ConsumerMetrics
from audit_service.consumer.status import ConsumerStatus
from audit_service.log import open_log
from audit_service.metrics import EventMetrics
from audit_service.settings import Settings as AuditSettings
from service_kit.metrics.multiprocess import FILE_BYTES
from service_kit.metrics.registry import Metrics
from tests.support.metrics_scrape import Scrape, full_name
from user_service.relay import health as relay_health
from user_service.settings import Settings as UserSettings
from user_service.store import database

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()

ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \|(.*)\| (.+) \|$", re.MULTILINE)

Row = tuple[str, str, frozenset[str], str]


def documented(heading: str) -> set[Row]:
    """Name, type, labels and meaning of each metric in the table below a heading."""
    _, _, after = OPERATIONS.partition(f"\n### {heading}\n")
    section = re.split(r"^##", after, maxsplit=1, flags=re.MULTILINE)[0]
    return {
        (name, kind, frozenset(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in ROW.findall(section)
    }


def told(app: Flask) -> set[Row]:
    """The same of each metric that an application tells, once it has answered a request."""
    client = app.test_client()
    client.get("/livez")
    families = Scrape(client.get("/metrics").text).families.values()
    return {
        (
            full_name(family),
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
            family.documentation,
        )
        for family in families
    }


@pytest.fixture
def audit_app(tmp_path: Path) -> Iterator[Flask]:
    app = audit_service.create_app(AuditSettings(database_url=f"sqlite:///{tmp_path}/events.db"))
    yield app
    app.close()


@pytest.fixture
def user_app(tmp_path: Path) -> Iterator[Flask]:
    app = user_service.create_app(UserSettings(database_url=f"sqlite:///{tmp_path}/users.db"))
    yield app
    app.close()


@pytest.fixture
def relay(tmp_path: Path, user_app: Flask) -> Iterator[Flask]:
    engine = database.connect(f"sqlite:///{tmp_path}/users.db", threads=1)
    app, _ = relay_health.create(engine, UserSettings())
    yield app
    engine.dispose()


@pytest.fixture
def consumer(tmp_path: Path, audit_app: Flask) -> Iterator[Flask]:
    metrics, status = Metrics(), ConsumerStatus()
    status.lag = {("audit", 0): 0}
    EventMetrics(metrics)
    ConsumerMetrics(metrics, status)
    backend = open_log(f"sqlite:///{tmp_path}/events.db")
    yield consumer_health.create(backend, status, metrics, AuditSettings())
    backend.close()


@pytest.mark.parametrize("name", ["audit_app", "user_app"])
def test_all_that_is_counted_has_room_in_a_workers_files(
    name: str, request: pytest.FixtureRequest
) -> None:
    app: Flask = request.getfixturevalue(name)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW"):
            client.open(re.sub("<.*?>", "x", rule.rule), method=method)
    families = Scrape(client.get("/metrics").text).families.values()
    # Each with its name, its labels, and the text that explains it.
    used = sum(
        len(f"{each} {family.documentation}") for family in families for each in family.samples
    )
    assert used < FILE_BYTES / 2


def test_the_metrics_of_the_consumer_are_those_in_the_document(consumer: Flask) -> None:
    expected = ("Every application", "audit-service", "audit-service consume")
    assert told(consumer) == {row for heading in expected for row in documented(heading)}


def test_the_metrics_of_the_audit_service_are_those_in_the_document(audit_app: Flask) -> None:
    expected = ("Every application", "audit-service", "audit-service run")
    assert told(audit_app) == {row for heading in expected for row in documented(heading)}


def test_the_metrics_of_the_user_service_are_those_in_the_document(user_app: Flask) -> None:
    assert told(user_app) == documented("Every application") | documented("user-service")


def test_the_metrics_of_the_relay_are_those_in_the_document(relay: Flask) -> None:
    outbox = {row for row in documented("user-service") if "_outbox_" in row[0]}
    expected = documented("Every application") | documented("user-service relay") | outbox
    assert told(relay) == expected
