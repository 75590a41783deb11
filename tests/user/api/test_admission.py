"""Admission: requests wait a little for a place, a bounded number of them."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from user_service.api.admission import Admission, Busy

PATIENCE_SECONDS = 10
NEVER = 3600


def _in(seconds: float) -> float:
    return time.monotonic() + seconds


@contextmanager
def _full(admission: Admission) -> Iterator[ExitStack]:
    """Every place is occupied, until the stack is closed."""
    with ExitStack() as places:
        for _ in range(admission.places):
            places.enter_context(admission.admitted(_in(0)))
        yield places


@contextmanager
def _waiting(admission: Admission) -> Iterator[threading.Event]:
    """A request that waits in a thread; yields whether it was admitted."""
    admitted = threading.Event()

    def ask() -> None:
        with admission.admitted(_in(NEVER)):
            admitted.set()

    thread = threading.Thread(target=ask)
    thread.start()
    yield admitted
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_a_request_that_finds_every_place_occupied_waits_for_one() -> None:
    admission = Admission(4, waiting=1)
    with _full(admission) as places, _waiting(admission) as admitted:
        assert not admitted.wait(0.05)
        places.close()
        assert admitted.wait(PATIENCE_SECONDS)


def test_a_request_is_refused_at_its_deadline() -> None:
    admission = Admission(4, waiting=1)
    began = time.monotonic()
    with _full(admission), pytest.raises(Busy), admission.admitted(_in(0.1)):
        pass
    assert 0.1 <= time.monotonic() - began < PATIENCE_SECONDS


def test_no_more_requests_wait_than_may() -> None:
    admission = Admission(4, waiting=1)
    with _full(admission) as places, _waiting(admission):
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            deadline = _in(1)
            with pytest.raises(Busy), admission.admitted(deadline):
                pass
            if time.monotonic() < deadline:
                break
        else:
            pytest.fail("all waited until their deadlines")
        places.close()
