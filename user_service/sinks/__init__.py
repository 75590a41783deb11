"""Where events go, by URL. The rest of the service cannot tell which kind of sink it is.

What speaks Kafka is imported only where it is used: it takes a tenth of a second.
"""

from urllib.parse import urlsplit

from service_kit.kafka.topic_url import SCHEME
from user_service.settings import Settings
from user_service.sinks.http import HttpBatchSender, HttpSink
from user_service.sinks.sink import BatchSender, OpenSink


class WrongOptions(Exception):
    """librdkafka does not take the options that the sink's URL has; the message says which."""


def open_sink(settings: Settings) -> OpenSink:
    """The sink that the settings name. Nothing waits for it to be there.

    MUST NOT be called before a fork.
    """
    if not _is_topic(settings):
        return HttpSink(settings.sink)
    from user_service.sinks import kafka_topic  # noqa: PLC0415

    return kafka_topic.open_sink(settings)


def open_batch_sender(settings: Settings) -> BatchSender:
    """The relay's way to that sink. Nothing waits for it to be there.

    MUST NOT be called before a fork.
    """
    if not _is_topic(settings):
        return HttpBatchSender(
            settings.sink, max_batch=settings.sink_batch, connections=settings.relay_connections
        )
    from user_service.sinks import kafka_topic  # noqa: PLC0415

    return kafka_topic.open_batch_sender(settings)


def check(settings: Settings) -> None:
    """Whether a sink could be opened; connects to nothing. Raises WrongOptions."""
    if _is_topic(settings):
        from user_service.sinks import kafka_topic  # noqa: PLC0415

        wrong = kafka_topic.wrong_options(settings)
        if wrong:
            raise WrongOptions(wrong)


def _is_topic(settings: Settings) -> bool:
    return urlsplit(settings.sink).scheme == SCHEME
