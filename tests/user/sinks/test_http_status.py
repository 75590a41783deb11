"""HTTP statuses: whose fault an answer is, and when to try again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user_service.sinks.http_status import fault_of, retry_after
from user_service.sinks.sink import Fault

UNAVAILABLE = {408, 425, 429}
REFUSED = {400, 413, 415, 422}
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def expected(status: int) -> Fault:
    """The table, once more."""
    if status in UNAVAILABLE or status >= 500:
        return Fault.UNAVAILABLE
    if status in REFUSED:
        return Fault.REFUSED
    return Fault.CONFLICT if status == 409 else Fault.MISCONFIGURED


@pytest.mark.parametrize("status", [*range(300, 312), *range(400, 452), *range(500, 512), 599])
def test_each_status_is_the_fault_of_the_table(status: int) -> None:
    assert fault_of(status) is expected(status)
    assert fault_of(status, of_batch=True) is (
        Fault.NO_BATCHES if status == 415 else expected(status)
    )


@given(seconds=st.integers(0, 10**9))
def test_retry_after_in_seconds(seconds: int) -> None:
    assert retry_after({"Retry-After": str(seconds)}) == seconds


@given(seconds=st.integers(-(10**6), 10**6), skew=st.integers(-(10**8), 10**8))
def test_retry_after_as_a_date_is_counted_from_the_answers_own_date(
    seconds: int, skew: int
) -> None:
    date = NOON + timedelta(seconds=skew)
    headers = {
        "Date": format_datetime(date, usegmt=True),
        "Retry-After": format_datetime(date + timedelta(seconds=seconds), usegmt=True),
    }
    assert retry_after(headers) == max(0, seconds)


@pytest.mark.parametrize("date", ["", "nonsense"])
def test_retry_after_as_a_date_without_one_to_count_from_is_counted_from_now(date: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    headers = {"Date": date, "Retry-After": format_datetime(soon, usegmt=True)}
    found = retry_after(headers)
    assert found is not None
    assert 80 < found <= 90


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "1.5",
        "\u0663",
        "Tue, 32 Nov 2026 10:00:00 GMT",
        "Tue, 24 Nov 99999999999999999999 10:00:00 GMT",
        "Tue, 24 Nov 2026 10:00:00 +99999999999999",
    ],
)
def test_an_unreadable_retry_after_is_ignored(text: str) -> None:
    assert retry_after({"Retry-After": text}) is None


DATE_LIKE = st.from_regex(
    r"(Mon, )?[0-9]{1,20} (Jan|Feb|Foo) [0-9]{1,30} [0-9]{1,9}:[0-9]{1,3}(:[0-9]{1,3})? "
    r"(GMT|[+-][0-9]{1,20})?",
    fullmatch=True,
)
HEADER = st.text(max_size=40) | DATE_LIKE | st.from_regex(r"[0-9]{1,6000}", fullmatch=True)


@given(after=HEADER, date=HEADER)
def test_no_header_makes_retry_after_fail(after: str, date: str) -> None:
    found = retry_after({"Retry-After": after, "Date": date})
    assert found is None or found >= 0
