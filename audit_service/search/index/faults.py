"""Faults of an index: why it cannot be used, and whether it has to be made anew."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

_UNREADABLE: Final = (
    *(apsw.CorruptError, apsw.NotADBError, apsw.SchemaChangeError),
    *(zlib.error, TypeError, ValueError, LookupError),
)
_TABLE_IS_GONE: Final = ("no such ", "vtable constructor failed")


class IndexUnusable(Exception):
    """The index cannot be used now: it is not there, or SQLite cannot read or write it."""


class IndexForeign(IndexUnusable):
    """It is of another log or another version; whoever writes to it MUST make it anew."""


class IndexDamaged(IndexUnusable):
    """It is damaged, or somebody has said so; whoever writes to it MUST make it anew."""


class NotAnIndex(IndexUnusable):
    """The file at its place is something else; nobody MUST write to it or remove it."""


@contextmanager
def index_errors() -> Iterator[None]:
    """Raise what reading or writing an index raises as IndexUnusable, or IndexDamaged."""
    try:
        yield
    except _UNREADABLE as error:
        raise IndexDamaged(_text(error)) from error
    except (apsw.Error, OSError) as error:
        # Of its own statements there is none that is wrong: a table was removed.
        is_damaged = str(error).startswith(_TABLE_IS_GONE)
        raise (IndexDamaged if is_damaged else IndexUnusable)(_text(error)) from error


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
