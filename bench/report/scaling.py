"""The page's part on more than one machine: what processes, batches and Kafka add."""

from collections.abc import Iterator, Sequence

from bench.load.wrk import BINARY, batch
from bench.measures.rates import Results
from bench.report.markdown import rate, spread, table
from bench.suite import PROCESSES, Measurements, processes_name

_LOADS = (BINARY, batch(100))
_TEXT = """\
Appends are serial by design: whoever commits holds one lock from reading the last position until
the commit is visible, so that positions have no gaps and rise in commit order. More processes add
parsing, checking and hashing, and go on when one of them ends; they add no second commit at
a time. What adds rate beyond that is more events in a commit: batches, here of 100. A topic does
the same for producers that send singly: its consumer takes up to 500 messages at a time. Consumers
of one group share its partitions, and one commit at a time, as processes do; and the topic takes
events while the audit service is away.
"""


def sections(measurements: Measurements) -> Iterator[str]:
    """With a heading; the tables of what was measured."""
    yield "## When one machine is not enough"
    yield _TEXT
    if measurements.replicas:
        head = ["events/s, PostgreSQL", *(one.name for one in _LOADS)]
        yield table(head, _process_rows(measurements.replicas))
    if measurements.consumed:
        head = ["", "events/s, SQLite"]
        yield table(head, [["from a Kafka topic, one consumer", spread(measurements.consumed)]])


def _process_rows(replicas: Results) -> Iterator[Sequence[str]]:
    for number in PROCESSES:
        name = processes_name(number)
        yield name, *(rate(replicas, name, one) for one in _LOADS)
