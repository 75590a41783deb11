"""The process's one producer to a Kafka topic, and what it knows of the brokers."""

import atexit
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import confluent_kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from confluent_kafka import KafkaError, KafkaException, Message

from service_kit.kafka import client_log
from service_kit.kafka.topic_url import TopicUrl
from user_service.sinks import kafka_errors
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome

POLL_SECONDS = 0.5
CLOSE_SECONDS = 5.0
# How long a topic may take to be there once it was asked for, between two looks.
_TOPIC_PAUSE_SECONDS = 0.05
# How much of an attempt's time may go into finding a broker.
_FINDING = 0.9
_NOT_YET = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE})


class Purged(Exception):
    """The message was dropped with all others that were under way; it may have left."""


def options_of(
    topic: TopicUrl, secrets: Mapping[str, str], *, seconds: float, linger_ms: float
) -> dict[str, Any]:
    """librdkafka's options for a producer whose messages live for `seconds` at most.

    What the URL says wins over what is usual, and what the service promises over both.
    """
    return {
        "client.id": "user-service",
        "log_level": 4,
        "linger.ms": linger_ms,
        # A broker that is back is found within a second, not within ten.
        "reconnect.backoff.max.ms": 1000,
        **topic.client(secrets),
        "enable.idempotence": True,
        "acks": "all",
        "delivery.timeout.ms": max(1, round(seconds * 1000)),
    }


class Producer:
    """Hands messages to librdkafka and tells what became of them. Safe for any number of threads.

    librdkafka's client is made at first use, and with it the thread that polls it: MUST NOT be
    used before a fork, which neither survives.
    """

    def __init__(self, topic: str, options: Mapping[str, Any]) -> None:
        """`options`: as `options_of` gives them."""
        self._topic = topic
        self._options = options
        self._lock = threading.Lock()
        self._client: confluent_kafka.Producer | None = None
        self._found = False
        self._trouble: KafkaError | None = None
        self._closing = threading.Event()

    def find(self, attempt: Attempt) -> None:
        """Return once a broker has told of the topic; at once where none was lost since.

        While no broker answers nothing is handed over, and so it is known that nothing left.
        Raises NotDelivered, while whoever waits still does: they are to hear the reason.
        """
        until = time.monotonic() + _FINDING * attempt.remaining
        while not self._found:
            left = max(0.001, until - time.monotonic())
            try:
                told = self._opened().list_topics(self._topic, timeout=left)
            except KafkaException as error:
                raise self._unreachable(attempt, error.args[0]) from None
            problem = told.topics[self._topic].error
            self._found, self._trouble = problem is None, problem
            if problem is not None:
                if problem.code() not in _NOT_YET:
                    raise self._unreachable(attempt, problem)
                self._closing.wait(_TOPIC_PAUSE_SECONDS)

    def _unreachable(self, attempt: Attempt, error: KafkaError) -> NotDelivered:
        trouble = self._trouble or error
        reason = f"the topic cannot be reached: {trouble.str()}"
        return attempt.failed(reason, kafka_errors.fault_of(trouble))

    def produce(self, message: KafkaMessage) -> Future[None]:
        """Hand a message over. What becomes of it: nothing once all replicas that have to have
        it do; else NotDelivered, or Purged.
        """
        report: Future[None] = Future()
        client = self._opened()
        try:
            client.produce(
                self._topic,
                message.value,
                message.key,
                headers=[*message.headers.items()],
                on_delivery=partial(self._report, report),
            )
        except BufferError:
            full = "the queue of messages is full"
            report.set_exception(NotDelivered(Outcome.NOT_DELIVERED, full, Fault.UNAVAILABLE))
        except KafkaException as error:
            self._note(error.args[0])
            failure = kafka_errors.not_delivered(error.args[0], may_have_been_sent=False)
            report.set_exception(failure)
        return report

    def purge(self) -> None:
        """Drop what is under way: nothing that was handed over by now is sent from now on.

        There is no dropping of a single message. Who waits for another's hands it over again.
        """
        client = self._client
        self._found = False
        if client is not None:
            client.purge(blocking=False)

    def close(self) -> None:
        """Wait for what is under way, some seconds at most, and use the producer no more."""
        with self._lock:
            client, self._client = self._client, None
            self._closing.set()
        if client is not None:
            atexit.unregister(self.close)
            client.flush(CLOSE_SECONDS)

    @property
    def closing(self) -> threading.Event:
        """Set once it is closed."""
        return self._closing

    def _opened(self) -> confluent_kafka.Producer:
        with self._lock:
            if self._client is None:
                self._client = confluent_kafka.Producer(
                    {
                        **self._options,
                        "logger": client_log.logger(),
                        "error_cb": self._note,
                    }
                )
                atexit.unregister(self.close)
                atexit.register(self.close)
                poll = partial(self._poll, self._client)
                threading.Thread(target=poll, name="kafka-poll", daemon=True).start()
            return self._client

    def _poll(self, client: confluent_kafka.Producer) -> None:
        """Serve the reports; one that was replaced, until its last report is in."""
        while not self._closing.is_set() and (client is self._client or len(client)):
            client.poll(POLL_SECONDS)

    def _note(self, error: KafkaError) -> None:
        """Remember what is wrong with the brokers, or that a client is past saving."""
        code = error.code()
        if code == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._found = False
        elif error.fatal() or code == KafkaError._FATAL:  # noqa: SLF001
            self._found, self._client = False, None
        elif not self._found:
            self._trouble = error

    def _report(self, report: Future[None], error: KafkaError | None, message: Message) -> None:
        if error is None:
            report.set_result(None)
        elif error.code() in kafka_errors.PURGED:
            report.set_exception(Purged())
        else:
            # The next message asks first whether a broker answers.
            self._found = False
            # It has a partition once it was queued for a broker.
            queued = message.partition() is not None
            report.set_exception(kafka_errors.not_delivered(error, may_have_been_sent=queued))
