"""Reading the log: rules that every backend keeps."""

import pytest

from audit_service.events import digest
from audit_service.log import Backend, Outcome, Receipt, open_log
from tests.support.log_databases import Store, commit, everything, positions
from tests.support.log_processes import event

ALL = 10**9
SIZE = len("1.09/st") + 100
"""Bytes of one of the events, but of the last, as they are stored."""


@pytest.fixture(autouse=True)
def _ten_events(backend: Backend) -> None:
    commit(backend, *(event(str(n), b"x" * 100) for n in range(1, 11)))


@pytest.mark.parametrize(
    ("before", "limit", "found", "more"),
    [
        (None, 3, [10, 9, 8], True),
        (8, 3, [7, 6, 5], True),
        (4, 3, [3, 2, 1], False),
        (3, 3, [2, 1], False),
        (1, 3, [], False),
        (None, 10, [*range(10, 0, -1)], False),
        (99, 1, [10], True),
    ],
)
def test_pages_are_newest_first_below_a_position(
    backend: Backend, before: int | None, limit: int, found: list[int], *, more: bool
) -> None:
    page = backend.newest(before, limit, ALL)
    assert (positions(page), page.more) == (found, more)


@pytest.mark.parametrize(
    ("after", "limit", "found", "more"),
    [
        (None, 3, [1, 2, 3], True),
        (3, 3, [4, 5, 6], True),
        (7, 3, [8, 9, 10], False),
        (8, 3, [9, 10], False),
        (10, 3, [], False),
        (0, 10, [*range(1, 11)], False),
    ],
)
def test_pages_are_oldest_first_above_a_position(
    backend: Backend, after: int | None, limit: int, found: list[int], *, more: bool
) -> None:
    page = backend.oldest(after, limit, ALL)
    assert (positions(page), page.more) == (found, more)


@pytest.mark.parametrize(
    ("budget", "found"), [(0, [10]), (1, [10]), (2 * SIZE + 1, [10, 9]), (4 * SIZE, [10, 9, 8])]
)
def test_a_page_stops_before_it_exceeds_the_budget(
    backend: Backend, budget: int, found: list[int]
) -> None:
    page = backend.newest(None, 10, budget)
    assert (positions(page), page.more) == (found, True)


def test_a_page_of_the_oldest_keeps_its_budget_too(backend: Backend) -> None:
    assert positions(backend.oldest(None, 10, 3 * SIZE)) == [1, 2, 3]
    assert positions(backend.oldest(3, 10, 0)) == [4]


def test_the_budget_ends_no_page_that_is_complete(backend: Backend) -> None:
    assert backend.newest(2, 10, 1).more is False


@pytest.mark.parametrize("position", [0, -1, 11, 2**63 - 1])
def test_a_position_without_an_event_has_no_record(backend: Backend, position: int) -> None:
    assert backend.get(position) is None


def test_a_log_that_is_opened_again_has_everything(backend: Backend, store: Store) -> None:
    before = everything(backend)
    backend.close()
    again = open_log(store.url)
    try:
        assert everything(again) == before
        assert commit(again, event("11")) == [Receipt(11, Outcome.STORED)]
        assert commit(again, event("10", b"x" * 100)) == [Receipt(10, Outcome.DUPLICATE)]
    finally:
        again.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE event SET data = NULL",
        "UPDATE event SET position = position + 100",
        "DELETE FROM event",
        "DELETE FROM event WHERE position = 10",
    ],
)
def test_no_event_can_be_changed_or_deleted(backend: Backend, store: Store, sql: str) -> None:
    before = everything(backend)
    with pytest.raises(Exception, match=r"never|not|constraint"):
        store.execute(sql)
    assert everything(backend) == before


@pytest.mark.parametrize("asked", [[1, 4, 9], [9, 4, 1], [5], [], [3, 99], [99]])
def test_records_are_had_by_their_positions_in_that_order(
    backend: Backend, asked: list[int]
) -> None:
    assert positions(backend.at(asked, ALL)) == [position for position in asked if position != 99]


def test_records_by_position_keep_their_budget(backend: Backend) -> None:
    page = backend.at([9, 8, 7, 6], 2 * SIZE)
    assert (positions(page), page.more) == ([9, 8], True)


def test_a_heading_is_of_the_event_at_its_position(backend: Backend) -> None:
    record = backend.get(3)
    heading = backend.heading(3)
    assert record is not None
    assert heading is not None
    assert heading.received_at == record.received_at
    assert heading.digest == digest(record.event).content
    assert backend.heading(11) is None


def test_the_log_says_where_it_ends_and_what_it_takes(backend: Backend) -> None:
    assert backend.last() == 10
    assert backend.size() > 10 * SIZE
