"""Disk reserve: room that is left free; a line when it gets scarce, and none for each request."""

from collections.abc import Iterator, MutableSequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from service_kit.database_url import PostgresDatabase
from service_kit.disk_reserve import DiskReserve, Space
from service_kit.settings.byte_size import AUTO, ReserveSize
from tests.support.manual_clock import ManualClock

MIB = 1024 * 1024


class Disk:
    """A disk whose free bytes a test says; `looks`: how often it was looked at."""

    def __init__(self, total: int, free: int) -> None:
        self.total = total
        self.free: int | None = free
        self.looks = 0
        self.clock = ManualClock()

    def reserve(self, size: ReserveSize) -> DiskReserve:
        return DiskReserve("users.db", size, clock=self.clock, measure=self._measure)

    def becomes(self, free: int | None) -> None:
        """So many bytes are free when it is looked at the next time, which may be now."""
        self.free = free
        self.clock.now += 1

    def _measure(self, _path: str) -> Space:
        self.looks += 1
        if self.free is None:
            raise FileNotFoundError
        return Space(self.total, self.free)


@pytest.fixture
def logged() -> Iterator[MutableSequence[Any]]:
    with capture_logs() as lines:
        yield lines


@pytest.mark.parametrize(
    ("total", "size", "expected"),
    [(100 * MIB, AUTO, 5 * MIB), (10**12, AUTO, 512 * MIB), (100 * MIB, 7, 7), (10**12, 0, 0)],
)
def test_auto_is_a_share_of_the_disk_with_an_upper_bound(
    total: int, size: ReserveSize, expected: int
) -> None:
    report = Disk(total, free=total).reserve(size).reports()["disk"]()
    assert report == {"state": "ok", "free_bytes": total, "reserve_bytes": expected}


@pytest.mark.parametrize(
    ("free", "state", "room"),
    [(200, "ok", True), (199, "low", True), (100, "low", True), (99, "full", False)],
)
def test_there_is_no_room_below_the_reserve(free: int, state: str, *, room: bool) -> None:
    reserve = Disk(1000, free).reserve(100)
    assert reserve.reports()["disk"]()["state"] == state
    assert reserve.has_room(0) is room


@pytest.mark.parametrize(("free", "room"), [(200, True), (199, False)])
def test_what_leaves_room_for_others_leaves_twice_the_reserve(free: int, *, room: bool) -> None:
    assert Disk(1000, free).reserve(100).has_ample_room(0) is room
    assert Disk(1000, free + 50).reserve(100).has_ample_room(50) is room


def test_a_reserve_of_0_leaves_the_last_byte_to_be_filled() -> None:
    reserve = Disk(1000, free=0).reserve(0)
    assert reserve.has_room(0)
    assert reserve.reports()["disk"]()["state"] == "ok"


def test_the_disk_is_looked_at_once_a_second_at_most() -> None:
    disk = Disk(1000, free=1000)
    reserve = disk.reserve(100)
    for _ in range(3):
        for _ in range(50):
            assert reserve.has_room(1)
            reserve.reports()["disk"]()
        disk.clock.now += 1
    assert disk.looks == 3


def test_what_is_written_between_two_looks_counts() -> None:
    disk = Disk(1000, free=150)
    reserve = disk.reserve(100)
    assert [reserve.has_room(20) for _ in range(4)] == [True, True, False, False]
    assert reserve.has_room(10)
    disk.clock.now += 1
    assert reserve.has_room(20)


def test_each_level_is_logged_once_until_there_is_room_for_good(
    logged: MutableSequence[Any],
) -> None:
    disk = Disk(1000, free=500)
    reserve = disk.reserve(100)
    for free in (500, 150, 140, 90, 80, 150, 90, 199, 200, 300, 150):
        disk.becomes(free)
        for _ in range(3):
            reserve.has_room(0)
    assert [line["log_level"] for line in logged] == ["warning", "error", "info", "warning"]


def test_a_disk_that_cannot_be_looked_at_is_for_the_store_to_report(
    logged: MutableSequence[Any],
) -> None:
    disk = Disk(1000, free=1)
    reserve = disk.reserve(100)
    assert not reserve.has_room(0)
    disk.becomes(None)
    assert reserve.has_room(10**9)
    assert reserve.reports()["disk"]() == {"state": "unknown"}


def test_a_database_on_another_machine_always_has_room() -> None:
    reserve = DiskReserve.of(PostgresDatabase(""), AUTO)
    assert reserve.has_room(2**60)
    assert reserve.reports() == {}
