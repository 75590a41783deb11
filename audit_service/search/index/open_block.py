"""Open block of an index: the one that is being filled."""

from dataclasses import dataclass, field

import apsw

from audit_service.search.index import blocks
from audit_service.search.index.blocks import NO_TIME, Columns, second_of_arrival


@dataclass(slots=True)
class OpenBlock:
    """A block with its columns."""

    number: int
    arrived: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, db: apsw.Connection, number: int) -> "OpenBlock":
        """The block of that number, empty where the file has none."""
        row = db.execute("SELECT packed FROM block_columns WHERE number = ?", (number,)).fetchone()
        if row is None:
            return cls(number)
        columns = blocks.unpacked(row[0])
        lists = (columns.arrived, columns.times, columns.types, columns.sources)
        return cls(number, *map(list, lists))

    def add(self, arrived: int, time: int, type_code: int, source_code: int) -> None:
        """Add an event. `arrived`: microseconds since 1970; `time`: seconds, or NO_TIME."""
        self.arrived.append(second_of_arrival(arrived))
        self.times.append(time)
        self.types.append(type_code)
        self.sources.append(source_code)

    def write(self, db: apsw.Connection) -> None:
        """Write it as it is now."""
        times = [time for time in self.times if time != NO_TIME]
        bounds = (
            *(min(self.arrived), max(self.arrived)),
            *(min(times, default=None), max(times, default=None)),
            len(times) == len(self.times),
        )
        columns = Columns(self.arrived, self.times, self.types, self.sources)
        db.execute("INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?)", (self.number, *bounds))
        db.execute(
            "INSERT OR REPLACE INTO block_columns VALUES (?, ?)", (self.number, columns.packed())
        )
