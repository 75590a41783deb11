"""Views that block, as all do that are not marked: they run where they hold up no other request.

Those that read much have turns of their own: who asks for one row does not wait for them.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_KIND = "_blocking"


class Blocking(Enum):
    """What a view does to those that wait for their turn."""

    NEVER = auto()
    """It hands over whatever blocks, or computes for long, itself."""
    SHORT = auto()
    """It may wait for a disk or a database, and takes no more than a few rows from it."""
    LONG = auto()
    """It reads and writes much."""


def never_blocks(view: View) -> View:
    """Mark a view that hands over whatever blocks, or computes for long, itself."""
    setattr(view, _KIND, Blocking.NEVER)
    return view


def reads_much(view: View) -> View:
    """Mark a view that reads and writes much: it waits for its turn behind others that do."""
    setattr(view, _KIND, Blocking.LONG)
    return view


def blocking_of(view: Callable[..., Any]) -> Blocking:
    """What the view is marked with."""
    kind: Blocking = getattr(view, _KIND, Blocking.SHORT)
    return kind
