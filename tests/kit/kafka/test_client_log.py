"""librdkafka's lines: with all others, and the same trouble seldom."""

import logging

import pytest

from service_kit.kafka import client_log

FORMAT = "%s [%s] %s"
FAIL = ("FAIL", "rdkafka#producer-1", "[thrd:a:9092/bootstrap]: a:9092: Connect failed")


def test_the_same_trouble_is_said_once_and_other_trouble_beside_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever other tests have heard of.
    monkeypatch.setattr(logging.getLogger(client_log.NAME), "filters", [])
    for _ in range(5):
        client_log.logger().error(FORMAT, *FAIL)
    client_log.logger().warning(FORMAT, "GETPID", *FAIL[1:])
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == [
        "FAIL",
        "GETPID",
    ]


def test_trouble_that_lasts_is_said_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(client_log.NAME), "filters", [])
    monkeypatch.setattr(client_log, "QUIET_SECONDS", 0.0)
    for _ in range(2):
        client_log.logger().error(FORMAT, *FAIL)
    assert len(caplog.records) == 2
