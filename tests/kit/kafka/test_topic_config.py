"""Durability of a topic: each way in which an acknowledged message could be lost is named."""

from dataclasses import replace

import pytest

from service_kit.kafka import topic_config
from service_kit.kafka.topic_config import TopicConfig

SAFE = TopicConfig(
    replicas=3,
    min_insync=2,
    retention_ms=-1,
    retention_bytes=-1,
    compacted=False,
    unclean_election=False,
)


def test_a_topic_that_keeps_everything_on_several_brokers_has_no_weakness() -> None:
    assert topic_config.durability_risks(SAFE) == []


@pytest.mark.parametrize(
    ("weak", "named"),
    [
        (replace(SAFE, replicas=1, min_insync=1), "1 replica"),
        (replace(SAFE, min_insync=1), "min.insync.replicas is 1"),
        (replace(SAFE, retention_ms=604800000), "deleted after 7 days"),
        (replace(SAFE, retention_bytes=1), "retention.bytes is 1"),
        (replace(SAFE, compacted=True), "cleanup.policy"),
        (replace(SAFE, unclean_election=True), "unclean.leader.election"),
    ],
)
def test_a_risk_to_lose_an_acknowledged_message_is_named(weak: TopicConfig, named: str) -> None:
    (sentence,) = topic_config.durability_risks(weak)
    assert named in sentence
