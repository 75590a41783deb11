"""Proposals: what an index is asked so that it gives every record for which an expression holds.

It may give others, too: what it proposes is looked at by `matches`, unless it is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audit_service.search.expressions import (
    All,
    Any,
    Attribute,
    Comparison,
    Conflicting,
    Expression,
    Field,
    FromKafka,
    Not,
    Period,
    Sender,
    Tolerated,
    Words,
)
from audit_service.search.index import term_values, tokens
from audit_service.search.index import terms as index_terms
from audit_service.search.index.words import PARTIAL_WORDS

LONG_WORD = 1000
"""Characters past which a tokenizer may have cut a word."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Records with these terms and these words, each an expression of FTS5 (None: all records), in
    these periods; `is_exact`: whether the expression holds for all of them.
    """

    terms: str | None = None
    words: str | None = None
    periods: tuple[Period, ...] = ()
    is_exact: bool = True

    @property
    def is_bounded(self) -> bool:
        """Whether it leaves out any record."""
        return self.names_terms or bool(self.periods)

    @property
    def names_terms(self) -> bool:
        """Whether it leaves out any record of its periods."""
        return self.terms is not None or self.words is not None


def proposal(expression: Expression, *, any_partial: bool) -> Proposal:
    """The proposal for an expression.

    `any_partial`: whether there are events that the index has not all terms of.
    """
    parts = expression.parts if isinstance(expression, All) else (expression,)
    periods = tuple(part for part in parts if isinstance(part, Period))
    words = [part for part in parts if isinstance(part, Words)]
    others = All(tuple(part for part in parts if not isinstance(part, Period | Words)))
    terms = _Terms(any_partial=any_partial).of(others)
    asked = [_word(word) for part in words for word in sorted(part.words)]
    is_exact = terms.is_exact and all(
        len(word) < LONG_WORD for part in words for word in part.words
    )
    if any_partial and asked:
        asked = [f"({' AND '.join(asked)}) OR {_word(PARTIAL_WORDS)}"]
        is_exact = False
    return Proposal(terms.match, " AND ".join(asked) or None, periods, is_exact)


@dataclass(frozen=True, slots=True)
class _Match:
    """An expression of FTS5; None: every record."""

    match: str | None
    is_exact: bool


_UNBOUNDED = _Match(None, is_exact=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    any_partial: bool

    def of(self, expression: Expression) -> _Match:  # noqa: PLR0911 - one for each kind
        match expression:
            case Attribute():
                return _attribute(expression)
            case Sender():
                return _attribute(
                    Attribute(index_terms.SENDER, expression.value, expression.comparison)
                )
            case Field():
                return self._field(expression)
            case Conflicting():
                return _term(index_terms.CONFLICTING)
            case FromKafka():
                return _term(index_terms.FROM_KAFKA)
            case Tolerated():
                return _term(index_terms.tolerated(expression.tolerance))
            case All():
                return _all([self.of(part) for part in expression.parts])
            case Any():
                return _any([self.of(part) for part in expression.parts])
            case Not():
                return _not(self.of(expression.part))
        return _UNBOUNDED

    def _field(self, field: Field) -> _Match:
        term = _quoted(index_terms.field(field.path, field.value))
        is_exact = index_terms.is_exact_field(field.path, field.value)
        if self.any_partial:
            return _Match(f"({term} OR {_quoted(index_terms.PARTIAL)})", is_exact=False)
        return _Match(term, is_exact)


def _attribute(asked: Attribute) -> _Match:
    if asked.name == "time" or asked.comparison is Comparison.SUFFIX:
        return _UNBOUNDED
    if asked.comparison is Comparison.EXACT:
        term = _quoted(index_terms.attribute(asked.name, asked.value))
        return _Match(term, term_values.is_exact(asked.value))
    begin = asked.value[: term_values.LONG]
    terms = f"{_quoted(index_terms.attribute_prefix(asked.name, begin))} *"
    uuid = term_values.uuid_prefix(asked.value)
    if uuid is not None:
        terms = f"({terms} OR {_quoted(index_terms.attribute(asked.name, uuid))})"
    return _Match(terms, uuid is None and term_values.is_exact_prefix(asked.value))


def _term(term: str) -> _Match:
    return _Match(_quoted(term), is_exact=True)


def _all(parts: Sequence[_Match]) -> _Match:
    matches = [part.match for part in parts if part.match is not None]
    is_exact = all(part.is_exact for part in parts)
    return _Match(_joined(" AND ", matches) if matches else None, is_exact)


def _any(parts: Sequence[_Match]) -> _Match:
    matches = [part.match for part in parts if part.match is not None]
    is_exact = all(part.is_exact for part in parts)
    if len(matches) < len(parts):
        return _Match(None, is_exact)
    return _Match(_joined(" OR ", matches), is_exact)


def _not(part: _Match) -> _Match:
    if not part.is_exact:
        return _UNBOUNDED
    if part.match is None:
        return _NOTHING
    return _Match(f"({_quoted(index_terms.EVERY)} NOT {part.match})", is_exact=True)


def _joined(operator: str, matches: Sequence[str]) -> str:
    return matches[0] if len(matches) == 1 else f"({operator.join(matches)})"


def _word(word: str) -> str:
    return f'"{word}"'


def _quoted(term: str) -> str:
    return '"' + tokens.as_tokens(term).replace('"', '""') + '"'


_NOTHING = _term("?nothing")
