"""State of the process that the kit changes: put back after each test."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from service_kit import logs


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.reset_defaults()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logs.request_id.set(None)
