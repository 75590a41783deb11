"""Kafka sink: CloudEvents in binary or structured mode, keyed by `partitionkey`."""

from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Literal

from cloudevents.core.bindings.kafka import KafkaMessage, to_binary, to_structured

from user_service.sinks.cloudevents import FORMAT, CloudEvent, deserialise
from user_service.sinks.kafka_producer import Producer, Purged
from user_service.sinks.sink import Attempt, Cancelled, NotDelivered, Outcome

Mode = Literal["binary", "structured"]
MAX_BATCH = 500
# Within which reports of purged messages come: they are from this process.
PURGE_SECONDS = 5.0
_NOT_ACKNOWLEDGED_IN_TIME = "Kafka did not acknowledge in time"


def message_of(event: CloudEvent, mode: Mode) -> KafkaMessage:
    """The message for an event. Its key is the event's `partitionkey`, which stays an attribute
    of the event (Kafka binding, 3.1), so that a user's events are in one partition, in order.
    """
    convert = to_binary if mode == "binary" else to_structured
    return convert(event, FORMAT)


class KafkaSink:
    """A sink that is a topic. Safe for any number of threads."""

    def __init__(self, producer: Producer, mode: Mode) -> None:
        self._producer = producer
        self._mode = mode

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        message = message_of(event, self._mode)
        while not self._acknowledged(message, attempt):
            pass

    def close(self) -> None:
        """Close the producer; the sink is not used afterwards."""
        self._producer.close()

    def _acknowledged(self, message: KafkaMessage, attempt: Attempt) -> bool:
        """Whether it was acknowledged; False where it was purged because another timed out.

        Sent once more it is a duplicate at worst: the event carries its id.
        """
        self._producer.find_topic(attempt)
        sent_before = attempt.may_have_been_sent
        attempt.start_sending(self._producer.purge)
        try:
            self._producer.produce(message).result(attempt.remaining)
        except Purged:
            return False
        except TimeoutError:
            self._producer.purge()
            raise attempt.failed(_NOT_ACKNOWLEDGED_IN_TIME) from None
        except NotDelivered as error:
            if sent_before:
                error.outcome = Outcome.UNKNOWN
            raise
        return True


class KafkaBatchSender:
    """A batch sender to a topic: single messages, which librdkafka puts into requests.

    Messages that are not acknowledged by the deadline are purged, so that none arrives late and
    out of its user's order.
    """

    max_batch = MAX_BATCH
    one_event_per_user = True
    connections = 1

    def __init__(self, producer: Producer, mode: Mode) -> None:
        self._producer = producer
        self._mode = mode

    def send_batch(
        self, events: Sequence[bytes], attempt: Attempt
    ) -> Sequence[NotDelivered | None]:
        try:
            self._producer.find_topic(attempt)
            attempt.start_sending(self._producer.purge)
        except NotDelivered as error:
            return [error] * len(events)
        except Cancelled:
            return [attempt.failed("the deadline came before it was sent")] * len(events)
        messages = [message_of(deserialise(event), self._mode) for event in events]
        results = self._send_all(messages, attempt)
        for number, result in enumerate(results):
            if result is not None and result.batch_failure:
                results[number] = self._send_alone(messages[number], attempt)
        return _same_failure_for_alike(results)

    def close(self) -> None:
        """Close the producer; the sink is not used afterwards."""
        self._producer.close()

    def _send_all(
        self, messages: Sequence[KafkaMessage], attempt: Attempt
    ) -> list[NotDelivered | None]:
        """The result of each; a batch failure where the one refused may be another message."""
        sent = [self._producer.produce(message) for message in messages]
        if wait(sent, attempt.remaining).not_done:
            self._producer.purge()
            wait(sent, PURGE_SECONDS)
        return [_result_of(report) for report in sent]

    def _send_alone(self, message: KafkaMessage, attempt: Attempt) -> NotDelivered | None:
        """The result of a message by itself that was refused together with others."""
        (result,) = self._send_all([message], attempt)
        if result is not None:
            result.batch_failure = False
        return result


def _result_of(report: Future[None]) -> NotDelivered | None:
    error = report.exception() if report.done() else Purged()
    if error is None or isinstance(error, NotDelivered):
        return error
    return NotDelivered(Outcome.UNKNOWN, _NOT_ACKNOWLEDGED_IN_TIME)


def _same_failure_for_alike(
    results: Sequence[NotDelivered | None],
) -> Sequence[NotDelivered | None]:
    """The results, with one and the same object for all that failed alike."""
    first: dict[tuple[Outcome, str], NotDelivered] = {}
    return [
        result and first.setdefault((result.outcome, result.reason), result) for result in results
    ]
