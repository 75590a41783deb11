"""Tolerances: the named deviations from the specification that real producers have.

Each is off unless it is named in what a reader is given. A deviation that is let in is
recorded, so that the event can be marked with it.
"""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final


class Tolerance(StrEnum):
    """A deviation that can be let in."""

    RAW_HEADER_VALUES = "raw-header-values"
    """Header values that were not percent-encoded: a lone `%` or quote, UTF-8, ISO 8859-1."""
    DATACONTENTTYPE_HEADER = "datacontenttype-header"
    """A `ce-datacontenttype` header that agrees with Content-Type, or stands alone."""
    ATTRIBUTE_NAMES = "attribute-names"
    """Attribute names with capitals, `_` or `-`."""
    ATTRIBUTE_VALUES = "attribute-values"
    """Objects, arrays, fractions and integers past 32 bits as attributes, kept as their JSON."""
    DATASCHEMA = "dataschema"
    """A `dataschema` that is relative or has a fragment."""


Tolerances = AbstractSet[Tolerance]

STRICT: Final[Tolerances] = frozenset()
DEFAULT: Final[Tolerances] = frozenset(
    {Tolerance.RAW_HEADER_VALUES, Tolerance.DATACONTENTTYPE_HEADER}
)


def tolerances_of(value: object) -> object:
    """The set that a list with commas names, or `none`; what is no text stays as it is.

    Raises ValueError.
    """
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",")]
    if names == ["none"]:
        return STRICT
    known = {tolerance.value for tolerance in Tolerance}
    for name in names:
        if name not in known:
            raise ValueError(f"has a name that is none of: none, {', '.join(sorted(known))}")
    return frozenset(map(Tolerance, names))


class Leniency:
    """The tolerances for one event, and those of them that it needed."""

    __slots__ = ("_allowed", "_used")

    def __init__(self, allowed: Tolerances = STRICT) -> None:
        self._allowed = allowed
        self._used: tuple[Tolerance, ...] = ()

    def lets_in(self, tolerance: Tolerance) -> bool:
        """Whether the deviation is let in; if so, it is recorded."""
        if tolerance not in self._allowed:
            return False
        if tolerance not in self._used:
            self._used = tuple(sorted((*self._used, tolerance)))
        return True

    @property
    def used(self) -> tuple[Tolerance, ...]:
        """The deviations that were let in, sorted."""
        return self._used
