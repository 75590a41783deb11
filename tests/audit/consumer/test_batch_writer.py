"""Batch writer: who sent what came over Kafka is the consumer's configured name."""

from audit_service.consumer.batch_writer import BatchWriter
from audit_service.consumer.message import IncomingMessage
from audit_service.events import EventRejected, Rule
from audit_service.log import Backend, EventLog, Origin
from audit_service.rejected import open_rejected
from tests.support.log_databases import Store, everything
from tests.support.log_processes import event


def test_the_sender_of_all_is_the_one_that_is_configured(backend: Backend, store: Store) -> None:
    rejected = open_rejected(store.url)
    for number, sender in enumerate(("orders", None)):
        writer = BatchWriter(EventLog(backend), rejected, lambda _: None, lambda _: None, sender)
        raw = ([("ce_id", b"x")], None, b"")
        wrong = EventRejected("id", "is required", Rule.REQUIRED)
        writer.store(
            [
                IncomingMessage(Origin("t", 0, 10 * number), raw, [event(f"{number}")]),
                IncomingMessage(Origin("t", 0, 10 * number + 1), raw, (), wrong),
            ]
        )
    kept = [record.sender for record in everything(backend).records]
    assert kept == [None, "orders"]
    assert [each.sender for each in rejected.summaries(10**9, 10)] == [None, "orders"]
