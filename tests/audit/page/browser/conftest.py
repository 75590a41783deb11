"""Real service, seen by a real browser: one of each for all tests of this folder."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support import processes
from tests.support.browser import UNSAFE_HOST, Pages
from tests.support.page_service import Events, make_token
from tests.support.processes import Service

SCOPES = ("events:read", "events:write", "events:export", "rejected:manage")
# A browser is one reader, and services start while it waits.
ONE_WORKER: Mapping[str, Any] = MappingProxyType({"AUDIT_SERVICE_WORKERS": 1})


@pytest.fixture
def pages(chromium: Browser) -> Iterator[Pages]:
    """Pages of this test, none of which may have a fault that the test does not expect."""
    opened = Pages(chromium)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that all tests share, each with a source of its own."""
    folder = tmp_path_factory.mktemp("page")
    settings = {"AUDIT_SERVICE_HOSTS": UNSAFE_HOST, **ONE_WORKER}
    with processes.indexed_audit_service(folder, **settings) as started:
        yield started


@pytest.fixture
def own_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of one test alone, with an empty log."""
    with processes.audit_service(tmp_path_factory.mktemp("own"), **ONE_WORKER) as started:
        yield started


@pytest.fixture(scope="session")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that asks for tokens."""
    folder = tmp_path_factory.mktemp("controlled")
    settings = {"AUDIT_SERVICE_AUTH": "tokens", **ONE_WORKER}
    with processes.audit_service(folder, **settings) as started:
        yield started


@pytest.fixture(scope="session")
def token(controlled: Service) -> str:
    """A token that may do all on the page."""
    return make_token(controlled, "everything", *SCOPES)


@pytest.fixture
def events(service: Service) -> Events:
    """Events of this test alone, on the shared service."""
    return Events(service.url)
