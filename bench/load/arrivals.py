"""Arrivals: a log whose events arrived over days, more of them by day than by night."""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Final

import apsw

from audit_service.events import Event
from audit_service.log import migrate, positions, rows
from audit_service.log.event_log import hashed
from audit_service.log.positions import Existing

MINUTE: Final = 60_000_000
"""In microseconds, as all moments here."""
DAY: Final = 24 * 60 * MINUTE
COMMIT: Final = 10_000

_INSERT: Final = f"""INSERT INTO event ({", ".join(rows.INSERTED)})
    VALUES ({", ".join("?" * len(rows.INSERTED))})"""  # noqa: S608 - columns are constants
_NOT_STORED: Final = Existing(None, None)


def moments(count: int, days: float, last: int, seed: int = 1) -> Sequence[int]:
    """So many moments of the days that end with `last`, in their order."""
    choose = random.Random(seed)
    minutes = range(last - int(days * DAY), last, MINUTE)
    weights = [_activity(minute) * choose.uniform(0.8, 1.2) for minute in minutes]
    chosen = choose.choices(minutes, weights, k=count)
    return sorted(minute + choose.randrange(MINUTE) for minute in chosen)


def fill(file: Path, events: Iterable[Event], received_at: Iterable[int]) -> None:
    """Make a log of the events, each of which arrived at its moment.

    A log takes its own clock, and changes nothing of what it has: so they are inserted here. Of
    the same source and id there are none but within COMMIT events of each other.
    """
    migrate(f"sqlite:///{file}")
    db = apsw.Connection(str(file))
    with db:
        for inserted in _rows(iter(events), iter(received_at)):
            db.executemany(_INSERT, inserted)
    db.close()


def _rows(events: Iterator[Event], received_at: Iterator[int]) -> Iterator[Sequence[rows.Row]]:
    last = 0
    while part := list(islice(events, COMMIT)):
        _, made = positions.assign_positions(
            *(hashed(part), repeat(_NOT_STORED, len(part)), last, 0),
            positions.random_salts(len(part)),
        )
        last += len(made)
        yield [
            (position, moment, *columns)
            for (position, _, *columns), moment in zip(made, received_at, strict=False)
        ]


def _activity(moment: int) -> float:
    """How much goes on at this time of the day: the most at 14:00 UTC."""
    return 1.1 + math.cos(2 * math.pi * (moment % DAY / DAY - 14 / 24))
