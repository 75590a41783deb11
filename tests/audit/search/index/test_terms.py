"""Terms and words of an index: its tokenizers find just what the predicate finds."""

from collections.abc import Iterator

import apsw
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_service.events import JsonText
from audit_service.log import Record
from audit_service.search import read_filters
from audit_service.search.contents import ITEMS, Contents, Name
from audit_service.search.expressions import Attribute, Comparison, Field, Not
from audit_service.search.index import terms as index_terms
from audit_service.search.index import tokens
from audit_service.search.index.file import create_segment
from audit_service.search.index.proposals import proposal
from audit_service.search.index.terms import MOST_DEPTH, MOST_FIELDS, terms_of
from audit_service.search.index.words import MOST_CHARACTERS
from tests.support.log_processes import event

TEXTS = st.text(
    st.sampled_from("aAbZ09 _-=.\"'*[]\\\n\t\x00\x1b\ud800éßİǅ\u00a0\u0301\ufffd\U0001d518٣"),
    max_size=12,
)
RANDOM = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module")
def db() -> Iterator[apsw.Connection]:
    opened = apsw.Connection(":memory:")
    yield opened
    opened.close()


def matches(db: apsw.Connection, record: Record, terms: str | None, words: str | None) -> bool:
    """Whether FTS5 finds the record."""
    db.execute("DROP TABLE IF EXISTS terms_0")
    db.execute("DROP TABLE IF EXISTS words_0")
    create_segment(db, 0)
    found = terms_of(record)
    db.execute("INSERT INTO terms_0 (rowid, text) VALUES (1, ?)", (found.terms,))
    db.execute("INSERT INTO words_0 (rowid, text) VALUES (1, ?)", (found.words,))
    return all(
        db.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH ?", (asked,)).get == 1
        for table, asked in (("terms_0", terms), ("words_0", words))
        if asked is not None
    )


def test_the_tokens_of_words_are_those_of_the_predicate(db: apsw.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS words_0")
    create_segment(db, 0)
    db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab(words_0, 'row')")

    @RANDOM
    @given(TEXTS, TEXTS)
    def check(first: str, second: str) -> None:
        made = event("1", JsonText(text_of([first, second])), subject="x")
        record = Record(1, 0, None, made)
        db.execute("INSERT INTO words_0 (words_0) VALUES ('delete-all')")
        db.execute("INSERT INTO words_0 (rowid, text) VALUES (1, ?)", (terms_of(record).words,))
        found = {term for (term,) in db.execute("SELECT term FROM vocabulary")}
        assert found == set(Contents(made).words)

    check()


def text_of(texts: list[str]) -> bytes:
    """JSON in which lone surrogates are escaped, as they may come."""
    quoted = (
        "".join(
            f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" or c < " " else c for c in text
        ).replace('"', '\\"')
        for text in (each.replace("\\", "").replace('"', "") for each in texts)
    )
    return b"[" + b",".join(f'"{each}"'.encode() for each in quoted) + b"]"


@RANDOM
@given(TEXTS, TEXTS, st.sampled_from(list(Comparison)))
def test_an_attribute_that_matches_is_proposed_and_no_other_where_it_is_exact(
    value: str, asked: str, comparison: Comparison
) -> None:
    db = apsw.Connection(":memory:")
    record = Record(1, 0, None, event("1", subject=value or "x"))
    for pattern in {asked or "x", value or "x", (value or "x")[:3]}:
        expression = Attribute("subject", pattern, comparison)
        proposed = proposal(expression, any_partial=False)
        holds = comparison.accepts(value or "x", pattern)
        found = matches(db, record, proposed.terms, proposed.words)
        assert found or not holds
        assert found is holds or not proposed.is_exact
    db.close()


@RANDOM
@given(members=st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3), nested=st.booleans())
def test_a_field_that_matches_is_proposed(members: dict[str, str], *, nested: bool) -> None:
    db = apsw.Connection(":memory:")
    clean = {printable(name): printable(value) for name, value in members.items()}
    document = {"a": [clean, 1]} if nested else clean
    record = Record(1, 0, None, event("1", JsonText(orjson.dumps(document))))
    for name, value in clean.items():
        path = (Name("a"), ITEMS, Name(name)) if nested else (Name(name),)
        assert value in Contents(record.event).fields(path)
        proposed = proposal(Field(path, value), any_partial=False)
        assert matches(db, record, proposed.terms, None)
        others = [(*path, ITEMS), path[:-1], (Name(name + "="),), (Name("a." + name),)]
        for other in others:
            proposed = proposal(Field(other, value), any_partial=False)
            if proposed.is_exact and value not in Contents(record.event).fields(other):
                assert not matches(db, record, proposed.terms, None)
    db.close()


def printable(text: str) -> str:
    return text.replace("\ud800", "")


@pytest.mark.parametrize(
    ("data", "is_partial"),
    [
        pytest.param(list(range(MOST_FIELDS - 10)), False, id="many"),
        pytest.param(list(range(MOST_FIELDS + 10)), True, id="too many"),
        pytest.param("[" * (MOST_DEPTH - 1) + "]" * (MOST_DEPTH - 1), False, id="deep"),
        pytest.param("[" * 50 + "1" + "]" * 50, True, id="too deep"),
        pytest.param("x " * (MOST_CHARACTERS // 4), False, id="long"),
        pytest.param("x " * MOST_CHARACTERS, True, id="too long"),
    ],
)
def test_an_event_of_which_something_is_left_out_is_proposed_for_every_question_of_data(
    db: apsw.Connection, data: object, *, is_partial: bool
) -> None:
    raw = data.encode() if isinstance(data, str) and data.startswith("[") else orjson.dumps(data)
    record = Record(1, 0, None, event("1", JsonText(raw)))
    assert terms_of(record).is_partial is is_partial
    if is_partial:
        proposed = proposal(Field((Name("absent"),), "x"), any_partial=True)
        left_out = index_terms.PARTIAL in terms_of(record).terms
        assert matches(db, record, proposed.terms, None) is left_out
        words = proposal(read_filters([("q", "nowhere")], 0)[0], any_partial=True).words
        assert matches(db, record, None, words)


def test_capitals_and_spaces_are_told_apart_in_tokens() -> None:
    assert len({tokens.as_tokens(text) for text in ("a b", "A b", "a B", "a\nb", "ab")}) == 5


UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize("value", [UUID, UUID[:18], UUID[:20], UUID[:-1] + "f", UUID + "0"])
@pytest.mark.parametrize("asked", [UUID, UUID[:17], UUID[:18], UUID[:19], UUID[:20], UUID[:-1]])
@pytest.mark.parametrize("comparison", list(Comparison))
def test_a_uuid_that_is_cut_is_no_other_value(
    db: apsw.Connection, value: str, asked: str, comparison: Comparison
) -> None:
    record = Record(1, 0, None, event("1", subject=value))
    expression = Attribute("subject", asked, comparison)
    for each, holds in (
        (expression, comparison.accepts(value, asked)),
        (Not(expression), not comparison.accepts(value, asked)),
    ):
        proposed = proposal(each, any_partial=False)
        found = matches(db, record, proposed.terms, None)
        assert found or not holds
        assert found is holds or not proposed.is_exact


def test_a_name_that_is_very_long_makes_no_long_terms() -> None:
    text = orjson.dumps({"x" * 60_000: {f"{n}": n for n in range(200)}})
    found = terms_of(Record(1, 0, None, event("1", JsonText(text))))
    assert found.is_partial
    assert len(found.terms) < 10_000


def test_data_that_are_a_scalar_are_no_attribute(db: apsw.Connection) -> None:
    record = Record(1, 0, None, event("1", JsonText(b'"x"')))
    proposed = proposal(Attribute("data", "x"), any_partial=False)
    assert proposed.is_exact
    assert not matches(db, record, proposed.terms, None)
