"""Writer of an index: adds records in the order of their positions, each once."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from audit_service.log import Record
from audit_service.search.index import file as index_file
from audit_service.search.index.file import SEGMENT, Mark, block_of, segment_of
from audit_service.search.index.open_block import OpenBlock
from audit_service.search.index.terms import terms_of
from audit_service.search.index.value_counts import ValueCounts


class IndexWriter:
    """The one that writes to an index file, for one process and thread.

    What it has in memory is what is in the file: after an exception it MUST NOT be used again.
    """

    def __init__(self, path: str) -> None:
        """Raises IndexUnusable, apsw.Error, OSError."""
        self._db = index_file.create(path)
        self.mark = index_file.read_mark(self._db)
        self._values = ValueCounts(self._db)
        self._block = OpenBlock.read(self._db, block_of(max(self.position, 1)))

    @property
    def position(self) -> int:
        """The position of the last event that is in it, 0 where there is none."""
        return self.mark.position if self.mark else 0

    def add(self, records: Sequence[Record], *, digest: bytes, first: bytes) -> None:
        """Add records: those that follow its position. All, or none where it raises.

        `digest`: of the last of them; `first`: of the log's first event.
        """
        partial = self.mark.partial if self.mark else 0
        with self._db:
            for segment, members in groupby(records, _segment_of):
                partial += self._add_terms(segment, list(members))
            self._add_to_blocks(records)
            self._values.write(self._db)
            mark = Mark(records[-1].position, digest, first, partial)
            self._db.execute("DELETE FROM mark")
            self._db.execute(
                "INSERT INTO mark VALUES (?, ?, ?, ?)",
                (mark.position, mark.digest, mark.first, mark.partial),
            )
        self._seal(self.position, mark.position)
        self.mark = mark

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _add_terms(self, segment: int, records: Sequence[Record]) -> int:
        """Add the terms and words of records of one segment; how many of them are partial."""
        before = segment * SEGMENT
        if records[0].position == before + 1:
            index_file.create_segment(self._db, segment)
        terms, words, partial = [], [], 0
        for record in records:
            found = terms_of(record)
            row = record.position - before
            terms.append((row, found.terms))
            words.append((row, found.words))
            partial += found.is_partial
        for table, rows in (
            (index_file.terms_table(segment), terms),
            (index_file.words_table(segment), words),
        ):
            self._db.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", rows)
        return partial

    def _add_to_blocks(self, records: Iterable[Record]) -> None:
        for number, members in groupby(records, _block_of):
            if number != self._block.number:
                self._block = OpenBlock(number)
            for record in members:
                self._block.add(record, *self._values.count(record))
            self._block.write(self._db)

    def _seal(self, before: int, after: int) -> None:
        """Make one tree of each table of the segments that have become full."""
        for segment in range(segment_of(before + 1), segment_of(after + 1)):
            for table in (index_file.terms_table(segment), index_file.words_table(segment)):
                self._db.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def _segment_of(record: Record) -> int:
    return segment_of(record.position)


def _block_of(record: Record) -> int:
    return block_of(record.position)
