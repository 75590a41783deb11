"""Partitions that are assigned to this consumer: the next offset of each, and pauses.

The assignment is cooperative: partitions that do not move are read during a rebalance. No batch
of a partition is in progress when it is revoked: each is stored and committed before the next
fetch, and messages that a fetch had of it are dropped, since its new consumer reads them.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from audit_service.consumer.status import ConsumerStatus, Partition

log = structlog.get_logger()

BROKER_SECONDS = 10.0
RETRIES, RETRY_SECONDS = 5, 1.0


class Partitions:
    """`next_offsets`: of each partition that is assigned, the offset after the last stored one."""

    def __init__(self, status: ConsumerStatus, rebalanced: Callable[[str], None]) -> None:
        self.next_offsets: dict[Partition, int] = {}
        self._status = status
        self._rebalanced = rebalanced
        self._paused = False

    def subscribe(self, client: Consumer, topic: str) -> None:
        """Join the group. The callbacks run in the thread that polls, within a poll."""
        client.subscribe(
            [topic],
            on_assign=self._assigned,
            on_revoke=partial(self._unassigned, kind="revoked"),
            on_lost=partial(self._unassigned, kind="lost"),
        )

    def pause(self, client: Consumer) -> None:
        """Fetch nothing until `resume`, from partitions that are assigned meanwhile either."""
        self._paused = True
        client.pause(self._all())

    def resume(self, client: Consumer) -> None:
        """Fetch again."""
        self._paused = False
        client.resume(self._all())

    def stop(self, partition: Partition, reason: str) -> None:
        """Record that librdkafka reads no more of a partition, and log an error."""
        topic, number = partition
        self._status.stopped[partition] = reason
        log.error(
            "a partition is stopped: messages of it are lost",
            topic=topic,
            partition=number,
            next_offset=self.next_offsets.get(partition),
            reason=reason,
        )

    def assigned(self) -> list[Partition]:
        """The assigned partitions. Safe for any thread."""
        return list(self.next_offsets)

    def lag_of(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        """The lag of each assigned partition, from its end offset. Safe for any thread."""
        following = dict(self.next_offsets)
        return {key: max(0, ends[key] - following[key]) for key in ends if key in following}

    def _all(self) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for topic, number in self.next_offsets]

    def _assigned(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalanced("assigned")
        starts, new = _starts_with_retries(client, partitions)
        client.incremental_assign(starts)
        if self._paused:
            client.pause(starts)
        self.next_offsets |= {_key(start): start.offset for start in starts}
        log.info("partitions were assigned", partitions=_numbers(starts))
        if new:
            # With a committed offset, messages deleted before they are read are noticed.
            commit(client, new)

    def _unassigned(self, client: Consumer, partitions: list[TopicPartition], kind: str) -> None:
        self._rebalanced(kind)
        for partition in partitions:
            self.next_offsets.pop(_key(partition), None)
            self._status.stopped.pop(_key(partition), None)
        client.incremental_unassign(partitions)
        log.info("partitions were taken", kind=kind, partitions=_numbers(partitions))


def commit(client: Consumer, offsets: Sequence[TopicPartition]) -> None:
    """Commit the offsets and wait for the broker.

    A failure is logged, not raised: the messages are read again, as duplicates.
    """
    try:
        results: Iterable[TopicPartition] = client.commit(offsets=list(offsets), asynchronous=False)
        failed = [error for result in results if (error := result.error) is not None]
    except KafkaException as error:
        failed = [error.args[0]]
    if failed:
        log.warning("offsets could not be committed", reason=failed[0].str())


def _starts_with_retries(
    client: Consumer, partitions: list[TopicPartition]
) -> tuple[list[TopicPartition], list[TopicPartition]]:
    """The starts (see _starts), with retries where a broker has just started or stopped."""
    for _ in range(RETRIES):
        try:
            return _starts(client, partitions)
        except KafkaException as error:
            log.warning("the committed offsets are not known yet", reason=error.args[0].str())
            time.sleep(RETRY_SECONDS)
    return _starts(client, partitions)


def _starts(
    client: Consumer, partitions: list[TopicPartition]
) -> tuple[list[TopicPartition], list[TopicPartition]]:
    """The offset to begin at in each partition, and the partitions that are new to the group.

    Those begin at the earliest message that there is. Raises KafkaException.
    """
    committed = client.committed(partitions, timeout=BROKER_SECONDS)
    for each in committed:
        if each.error is not None:
            raise KafkaException(each.error)
    new = [each for each in committed if each.offset == OFFSET_INVALID]
    for each in new:
        marks = client.get_watermark_offsets(each, timeout=BROKER_SECONDS)
        if marks is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        each.offset = marks[0]
    return committed, new


def _key(partition: TopicPartition) -> Partition:
    return partition.topic, partition.partition


def _numbers(partitions: Iterable[TopicPartition]) -> list[int]:
    return sorted(each.partition for each in partitions)
