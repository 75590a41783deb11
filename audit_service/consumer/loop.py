"""Main loop of the consumer: fetch messages, store them, commit their offsets."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from audit_service.consumer.batch_writer import BatchWriter
from audit_service.consumer.message import IncomingMessage, read_message
from audit_service.consumer.partitions import Partitions, commit
from audit_service.consumer.status import Partition
from audit_service.events.reader import EventReader
from audit_service.log import LogUnavailable
from service_kit.access.principal import ANYONE, Principal

log = structlog.get_logger()

FETCH: Final = 500
POLL_SECONDS = 0.5
FIRST_DELAY, LONGEST_DELAY = 0.25, 5.0


class Loop:
    """Does all of it in one thread, so that no batch is in progress during a rebalance."""

    def __init__(
        self,
        *,
        client: Consumer,
        topic: str,
        partitions: Partitions,
        batch_writer: BatchWriter,
        reader: EventReader,
        sender: Principal = ANYONE,
    ) -> None:
        """`sender`: of all messages."""
        self._sender = sender
        self._client = client
        self._topic = topic
        self._partitions = partitions
        self._batch_writer = batch_writer
        self._reader = reader

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop`, finish what was fetched, and leave the group.

        Offsets MUST be committed only after all before them is on disk.
        """
        self._partitions.subscribe(self._client, self._topic)
        try:
            while not stop.is_set():
                batch = self._still_assigned(self._fetch())
                if batch:
                    self._commit_offsets(self._store_until_done(batch, stop))
        finally:
            self._client.close()

    def _fetch(self) -> list[IncomingMessage]:
        """The messages that are there, at most 500; it waits POLL_SECONDS for the first only."""
        first = self._client.poll(POLL_SECONDS)
        if first is None:
            return []
        return self._read([first, *self._client.consume(FETCH - 1, 0)])

    def _read(self, messages: Iterable[Message]) -> list[IncomingMessage]:
        batch = []
        for message in messages:
            error = message.error()
            if error is None:
                batch.append(read_message(message, self._reader, self._sender))
            else:
                self._handle_error(message, error)
        return batch

    def _handle_error(self, message: Message, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._partitions.stop((str(message.topic()), message.partition() or 0), error.str())
        else:
            log.warning("the broker reports an error", reason=error.str())

    def _still_assigned(self, batch: Sequence[IncomingMessage]) -> list[IncomingMessage]:
        """The messages of the batch whose partitions are still assigned to this consumer."""
        return [each for each in batch if _partition(each) in self._partitions.next_offsets]

    def _store_until_done(
        self, batch: list[IncomingMessage], stop: threading.Event
    ) -> list[IncomingMessage]:
        """Store the batch, with retries while the store is down, and return what was stored.

        Nothing is fetched meanwhile. Empty where `stop` is set before the store is back: the
        batch is uncommitted then, and is read again after the next start.
        """
        delay = 0.0
        while True:
            try:
                self._batch_writer.store(batch)
            except LogUnavailable as reason:
                log.warning("the event log is unavailable", reason=str(reason), waiting=len(batch))
                delay = min(delay * 2 or FIRST_DELAY, LONGEST_DELAY)
                batch = self._wait_while_paused(batch, delay, stop)
                if stop.is_set() or not batch:
                    return []
            else:
                if delay:
                    log.info("the event log is available again")
                return batch

    def _wait_while_paused(
        self, batch: list[IncomingMessage], delay: float, stop: threading.Event
    ) -> list[IncomingMessage]:
        """Poll for `delay` seconds, to stay in the group, and return what is still assigned."""
        until = time.monotonic() + delay
        self._partitions.pause(self._client)
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            message = self._client.poll(min(left, POLL_SECONDS))
            if message is not None:
                batch += self._read([message])
        self._partitions.resume(self._client)
        return self._still_assigned(batch)

    def _commit_offsets(self, batch: Sequence[IncomingMessage]) -> None:
        """Commit the offsets of what is stored."""
        following = {_partition(each): each.origin.offset + 1 for each in batch}
        if not following:
            return
        self._partitions.next_offsets |= following
        offsets = [TopicPartition(*where, offset) for where, offset in following.items()]
        commit(self._client, offsets)


def _partition(message: IncomingMessage) -> Partition:
    return message.origin.topic, message.origin.partition
