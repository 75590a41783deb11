"""At start: is the topic one in which an acknowledged event is safe?"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

from service_kit.kafka import topic_url
from service_kit.kafka.topic_url import Standing, TopicUnreadable, TopicUrl
from user_service.sinks.kafka_producer import Producer
from user_service.sinks.sink import Attempt, NotDelivered

log = structlog.get_logger()

LOOK_SECONDS = 10.0
AGAIN_SECONDS = 30.0


def look(topic: TopicUrl, secrets: Mapping[str, str], producer: Producer) -> None:
    """Connect, so that the first event need not wait for it, and log what could lose a message.

    In a thread of its own, for as long as the producer is in use: brokers that are away delay
    nothing.
    """
    looking = threading.Thread(
        target=_look, args=(topic, secrets, producer), name=f"look at {topic.topic}", daemon=True
    )
    looking.start()


def _look(topic: TopicUrl, secrets: Mapping[str, str], producer: Producer) -> None:
    with suppress(NotDelivered):
        producer.find(Attempt(time.monotonic() + LOOK_SECONDS))
    standing: Standing | None = None
    said = False
    while standing is None and not producer.closing.is_set():
        try:
            standing = topic_url.standing_of(topic.client(secrets), topic.topic, LOOK_SECONDS)
        except TopicUnreadable as error:
            if not said:
                reason = str(error)
                log.warning("the topic cannot be looked at", topic=topic.topic, reason=reason)
            said = True
            producer.closing.wait(AGAIN_SECONDS)
    if standing is not None:
        _warn(topic.topic, topic_url.weaknesses(standing))


def _warn(topic: str, weaknesses: Sequence[str]) -> None:
    if weaknesses:
        log.warning("an acknowledged event could be lost", topic=topic, because=weaknesses)
