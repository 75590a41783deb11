"""librdkafka's lines: with all others, and the same trouble seldom."""

import logging
from uuid import uuid4

import pytest

from service_kit.kafka import client_log
from service_kit.kafka.client_log import RateLimit

FORMAT = "%s [%s] %s"
FAIL = ("FAIL", "rdkafka#producer-1", "[thrd:a:9092/bootstrap]: a:9092: Connect failed")


def limited(limit: RateLimit) -> logging.Logger:
    """A logger of its own with that limit."""
    logger = logging.getLogger(f"trial-{uuid4()}")
    logger.addFilter(limit)
    return logger


def test_the_same_trouble_is_logged_once_and_other_trouble_beside_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = limited(RateLimit())
    for _ in range(5):
        logger.error(FORMAT, *FAIL)
    logger.warning(FORMAT, "GETPID", *FAIL[1:])
    kinds = [record.getMessage().partition(" ")[0] for record in caplog.records]
    assert kinds == ["FAIL", "GETPID"]


def test_trouble_that_lasts_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    logger = limited(RateLimit(quiet_seconds=0.0))
    for _ in range(2):
        logger.error(FORMAT, *FAIL)
    assert len(caplog.records) == 2


def test_all_clients_share_one_limit() -> None:
    client_log.logger()
    filters = client_log.logger().filters
    assert [type(each) for each in filters] == [RateLimit]
