"""Moments survive a database, and are shown with every digit; a duration has a unit."""

from datetime import UTC, datetime, timedelta

import pytest

from service_kit import clock

MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 7, 28, 12, 34, 56, 789_012, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_comes_back_from_microseconds_exactly(moment: datetime) -> None:
    assert clock.from_microseconds(clock.to_microseconds(moment)) == moment


def test_microseconds_count_from_1970() -> None:
    assert clock.to_microseconds(datetime(1970, 1, 2, tzinfo=UTC)) == 24 * 60 * 60 * 1_000_000


def test_now_is_the_same_moment_in_both_forms() -> None:
    before, between, after = clock.now(), clock.now_in_microseconds(), clock.now()
    assert before.utcoffset() == timedelta(0)
    assert before <= clock.from_microseconds(between) <= after


@pytest.mark.parametrize(
    ("moment", "text"),
    [(MOMENTS[0], "1970-01-01T00:00:00.000000Z"), (MOMENTS[2], "2026-07-28T12:34:56.789012Z")],
)
def test_rfc_3339_text_has_six_digits_and_z(moment: datetime, text: str) -> None:
    assert clock.rfc3339(moment) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(hours=24)),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_a_duration_is_a_number_and_its_unit(text: str, expected: timedelta) -> None:
    assert clock.duration_of(text) == expected


@pytest.mark.parametrize(
    "text", ["", "15", "m", "-15m", "1.5h", "15 m", "15M", "1000000s", "\u0661m"]
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert clock.duration_of(text) is None
