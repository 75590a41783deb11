"""Views that block, as all do that are not marked: they run where they hold up no other request."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_NEVER_BLOCKS = "_never_blocks"


def never_blocks(view: View) -> View:
    """Mark a view that hands over whatever blocks, or computes for long, itself."""
    setattr(view, _NEVER_BLOCKS, True)
    return view


def may_block(view: Callable[..., Any]) -> bool:
    """Whether a view has no such mark."""
    return not getattr(view, _NEVER_BLOCKS, False)
