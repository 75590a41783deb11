"""Durable event log: append, and read by position.

`EventLog` appends, for any number of threads; a `Backend` (`sqlite`, `postgres`) has the rows and
is read directly.
"""

from audit_service.log.backend import (
    Backend,
    DiskFull,
    Entry,
    Heading,
    LogUnavailable,
    Origin,
    Outcome,
    Page,
    Receipt,
    Record,
    Salts,
)
from audit_service.log.event_log import EventLog, hashed
from audit_service.log.open import UnsupportedDatabase, database_at, migrate, open_log
from audit_service.log.schema import SchemaMismatch

__all__ = [
    "Backend",
    "DiskFull",
    "Entry",
    "EventLog",
    "Heading",
    "LogUnavailable",
    "Origin",
    "Outcome",
    "Page",
    "Receipt",
    "Record",
    "Salts",
    "SchemaMismatch",
    "UnsupportedDatabase",
    "database_at",
    "hashed",
    "migrate",
    "open_log",
]
