"""Lag monitor: asks the broker every other second how many messages are not stored yet.

It has a client and a thread of its own: on the consumer's connection the request would queue
behind a fetch that waits for messages, and the consumer would wait for the response.
"""

import threading
from collections.abc import Callable
from typing import Self

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from audit_service.consumer.partitions import Partitions
from audit_service.consumer.status import ConsumerStatus

log = structlog.get_logger()

STEP_SECONDS = 2.0
ANSWER_SECONDS = 2.0


class LagMonitor:
    """Keeps lag and reachability of the broker up to date, inside a `with` block."""

    def __init__(
        self, connect: Callable[[], AdminClient], partitions: Partitions, status: ConsumerStatus
    ) -> None:
        """`connect` makes a client."""
        self._connect = connect
        self._partitions = partitions
        self._status = status
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lag", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        admin = self._connect()
        while not self._stop.wait(STEP_SECONDS):
            try:
                self._look(admin)
            except (KafkaException, TimeoutError) as error:
                log.debug("the lag is not known", reason=str(error))
                # After a restart of the broker this client would use its old epoch for minutes.
                admin = self._connect()

    def _look(self, admin: AdminClient) -> None:
        asked = {TopicPartition(*key): OffsetSpec.latest() for key in self._partitions.assigned()}
        if not asked:
            admin.list_topics(timeout=ANSWER_SECONDS)
            self._status.lag = {}
        else:
            answers = admin.list_offsets(asked, request_timeout=ANSWER_SECONDS)
            ends = {key: future.result(ANSWER_SECONDS).offset for key, future in answers.items()}
            self._status.lag = self._partitions.lag_of(
                {(where.topic, where.partition): end for where, end in ends.items()}
            )
        self._status.broker_answered()
