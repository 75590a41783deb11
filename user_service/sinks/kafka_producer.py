"""Kafka producer: hands messages to librdkafka, of which there is one client in a process.

Four things that librdkafka does not do are done here:

- A message is handed over only once a broker has answered for the topic: librdkafka does not say
  whether a message that timed out was ever sent, and so it is known that none was.
- What waits in its queue could be sent after its deadline, behind later events: `purge` drops it.
- A client that failed fatally is replaced at the next use.
- What is wrong with the brokers is remembered, since a timeout gives no reason.
"""

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
from user_service.sinks import kafka_errors
from user_service.sinks.sink import Attempt, Fault, NotDelivered, Outcome

POLL_SECONDS = 0.5
CLOSE_SECONDS = 5.0
# Between two questions after a topic that brokers may be making just now.
_TOPIC_RETRY_SECONDS = 0.05
# The part of an attempt's time that may be spent on finding the topic.
_FINDING = 0.9
# Errors of a topic that is being made.
_NOT_YET = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE})


class Purged(Exception):
    """The message was dropped with all others in flight; it may have been sent."""


class Producer:
    """Safe for any number of threads.

    The client and the thread that polls it are made at first use: it MUST NOT be used before a
    fork, which neither survives.
    """

    def __init__(self, topic: str, options: Mapping[str, Any]) -> None:
        """`options`: of librdkafka."""
        self._topic = topic
        self._options = options
        self._lock = threading.Lock()
        # Guarded by _lock. None before the first use, after a fatal error and once closed.
        self._client: confluent_kafka.Producer | None = None
        # Written by any thread, without _lock: a stale value costs one question to a broker.
        self._topic_found = False
        # Likewise: the reason that a failure is given while the topic is not found.
        self._last_error: KafkaError | None = None
        self._closing = threading.Event()

    def find_topic(self, attempt: Attempt) -> None:
        """Return once a broker has answered for the topic; at once where none was lost since.

        MUST be called before `produce`. Raises NotDelivered, some time before the attempt's
        deadline, so that its reason is heard.
        """
        until = time.monotonic() + _FINDING * attempt.remaining
        while not self._topic_found:
            left = max(0.001, until - time.monotonic())
            try:
                metadata = self._open_client().list_topics(self._topic, timeout=left)
            except KafkaException as error:
                raise self._unreachable(attempt, error.args[0]) from None
            problem = metadata.topics[self._topic].error
            self._topic_found, self._last_error = problem is None, problem
            if problem is not None:
                if problem.code() not in _NOT_YET:
                    raise self._unreachable(attempt, problem)
                self._closing.wait(_TOPIC_RETRY_SECONDS)

    def _unreachable(self, attempt: Attempt, error: KafkaError) -> NotDelivered:
        last = self._last_error or error
        reason = f"the topic cannot be reached: {last.str()}"
        return attempt.failed(reason, kafka_errors.fault_of(last))

    def produce(self, message: KafkaMessage) -> Future[None]:
        """Hand a message over. Its report: None once all in-sync replicas have it; otherwise
        NotDelivered, or Purged.
        """
        report: Future[None] = Future()
        client = self._open_client()
        try:
            client.produce(
                self._topic,
                message.value,
                message.key,
                headers=[*message.headers.items()],
                on_delivery=partial(self._on_delivery, report),
            )
        except BufferError:
            full = "the queue of messages is full"
            report.set_exception(NotDelivered(Outcome.NOT_DELIVERED, full, Fault.UNAVAILABLE))
        except KafkaException as error:
            self._on_error(error.args[0])
            failure = kafka_errors.not_delivered(error.args[0], may_have_been_sent=False)
            report.set_exception(failure)
        return report

    def purge(self) -> None:
        """Drop all messages in flight: none that was handed over before is sent from now on.

        A single one cannot be dropped: the others' reports are Purged, and their senders hand
        them over again.
        """
        with self._lock:
            client = self._client
        self._topic_found = False
        if client is not None:
            client.purge(blocking=False)

    def close(self) -> None:
        """Wait for messages in flight, CLOSE_SECONDS at most. It MUST NOT be used afterwards."""
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

    def _open_client(self) -> confluent_kafka.Producer:
        with self._lock:
            if self._client is None:
                self._client = confluent_kafka.Producer(
                    {
                        **self._options,
                        "logger": client_log.logger(),
                        "error_cb": self._on_error,
                    }
                )
                atexit.unregister(self.close)
                atexit.register(self.close)
                poll = partial(self._poll, self._client)
                threading.Thread(target=poll, name="kafka-poll", daemon=True).start()
            return self._client

    def _poll(self, client: confluent_kafka.Producer) -> None:
        """Serve a client's callbacks; those of one that was replaced until its last report."""
        while not self._closing.is_set() and (client is self._client or len(client)):
            client.poll(POLL_SECONDS)

    def _on_error(self, error: KafkaError) -> None:
        """Remember what is wrong with the brokers; let go of a client that failed fatally."""
        code = error.code()
        if code == KafkaError._ALL_BROKERS_DOWN:
            self._topic_found = False
        elif error.fatal() or code == KafkaError._FATAL:
            with self._lock:
                self._client = None
            self._topic_found = False
        elif not self._topic_found:
            self._last_error = error

    def _on_delivery(
        self, report: Future[None], error: KafkaError | None, message: Message
    ) -> None:
        if error is None:
            report.set_result(None)
        elif error.code() in kafka_errors.PURGED:
            report.set_exception(Purged())
        else:
            # Before the next message a broker is asked first.
            self._topic_found = False
            # A message has a partition once it was queued for a broker.
            queued = message.partition() is not None
            report.set_exception(kafka_errors.not_delivered(error, may_have_been_sent=queued))
