"""Writer of an index: adds records in the order of their positions, each once."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from audit_service.log.backend import Heading
from audit_service.search.index import file as index_file
from audit_service.search.index.faults import IndexDamaged
from audit_service.search.index.file import BLOCK, SEGMENT, block_of, segment_of
from audit_service.search.index.mark import Mark, read_mark, write_mark
from audit_service.search.index.open_block import OpenBlock
from audit_service.search.index.prepared import Batch, PreparedEvent
from audit_service.search.index.value_counts import MOST_VALUES, ValueCounts


class IndexWriter:
    """The one that writes to an index file, for one process and thread.

    What it has in memory is what is in the file: after an exception it MUST NOT be used again.
    """

    def __init__(self, path: str, most_values: int = MOST_VALUES) -> None:
        """`most_values`: see ValueCounts. Raises NotAnIndex, IndexForeign, and whatever reading a
        damaged one raises.
        """
        self._db = index_file.create(path)
        self.mark = read_mark(self._db)
        self._values = ValueCounts(self._db, most_values)
        number = block_of(max(self.position, 1))
        self._block = OpenBlock.read(self._db, number)
        if len(self._block.arrived) != self.position - number * BLOCK:
            raise IndexDamaged("its last block is not whole")

    @property
    def position(self) -> int:
        """The position of the last event that is in it, 0 where there is none."""
        return self.mark.position if self.mark else 0

    def add(self, batch: Batch, first: Heading) -> None:
        """Add events: those that follow its position. All, or none where it raises.

        `first`: of the log's first event.
        """
        partial = self.mark.partial if self.mark else 0
        with self._db:
            if read_mark(self._db) != self.mark:
                raise IndexDamaged("another process writes to it, too")
            for segment, members in groupby(batch.events, _segment_of):
                partial += self._add_terms(segment, list(members))
            self._add_to_blocks(batch.events)
            self._values.write(self._db)
            mark = Mark(batch.last, batch.heading, first, partial)
            write_mark(self._db, mark)
        self._seal(self.position, mark.position)
        self.mark = mark

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _add_terms(self, segment: int, events: Sequence[PreparedEvent]) -> int:
        """Add the terms and words of events of one segment; how many of them are partial."""
        before = segment * SEGMENT
        if events[0].position == before + 1:
            index_file.create_segment(self._db, segment)
        for table, rows in (
            (index_file.terms_table(segment), [(e.position - before, e.terms) for e in events]),
            (index_file.words_table(segment), [(e.position - before, e.words) for e in events]),
        ):
            self._db.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", rows)
        return sum(event.is_partial for event in events)

    def _add_to_blocks(self, events: Iterable[PreparedEvent]) -> None:
        for number, members in groupby(events, _block_of):
            if number != self._block.number:
                self._block = OpenBlock(number)
            for event in members:
                self._block.add(event.arrived, event.time, *self._values.count(event))
            self._block.write(self._db)

    def _seal(self, before: int, after: int) -> None:
        """Make one tree of each table of the segments that have become full."""
        for segment in range(segment_of(before + 1), segment_of(after + 1)):
            for table in (index_file.terms_table(segment), index_file.words_table(segment)):
                self._db.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def _segment_of(event: PreparedEvent) -> int:
    return segment_of(event.position)


def _block_of(event: PreparedEvent) -> int:
    return block_of(event.position)
