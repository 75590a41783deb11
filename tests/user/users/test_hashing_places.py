"""Hashing places: processes share them, and one that is killed keeps none."""

import subprocess
import sys
import threading
import time

import pytest

from user_service.users.hashing_places import HashingBusy, HashingPlaces

PATIENCE_SECONDS = 10

# A process and its fork, which share one place. `fork(work)`: the number of a fork that does this.
_TWO_PROCESSES = f"""
import os, signal, time
from user_service.users.hashing_places import HashingBusy, HashingPlaces

places = HashingPlaces(1)
readable, writable = os.pipe()

def fork(work):
    number = os.fork()
    if number == 0:
        work()
        os._exit(0)
    return number

def later(seconds={PATIENCE_SECONDS}):
    return time.monotonic() + seconds

def occupied(within):
    try:
        with places.occupied(later(within)):
            return True
    except HashingBusy:
        return False

def hold():
    with places.occupied(later()):
        os.write(writable, b"x")
        signal.pause()
"""


def _told(script: str) -> list[str]:
    command = [sys.executable, "-c", _TWO_PROCESSES + script]
    told = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=6 * PATIENCE_SECONDS
    )
    return told.stdout.split()


def test_a_place_that_another_process_occupies_is_not_free_until_it_is_killed() -> None:
    told = _told("""
child = fork(hold)
os.read(readable, 1)
print(occupied(0.1))
os.kill(child, signal.SIGKILL)
print(occupied(10))
os.wait()
""")
    assert told == ["False", "True"]


def test_a_process_that_hashes_on_and_on_does_not_keep_another_from_its_turn() -> None:
    told = _told("""
def hash_on_and_on():
    while True:
        with places.occupied(later()):
            os.write(writable, b"x")
            time.sleep(0.005)

child = fork(hash_on_and_on)
os.read(readable, 1)
turns = [occupied(10) for _ in range(20)]
os.kill(child, signal.SIGKILL)
os.wait()
os.close(writable)
print(all(turns), len(os.read(readable, 60_000)))
""")
    assert told[0] == "True"
    assert int(told[1]) < 100, "the turns of the other, for 20 of this one"


def test_threads_of_a_process_do_not_share_a_place() -> None:
    places = HashingPlaces(1)
    occupied, done = threading.Event(), threading.Event()

    def occupy() -> None:
        with places.occupied(time.monotonic() + PATIENCE_SECONDS):
            occupied.set()
            done.wait()

    thread = threading.Thread(target=occupy)
    thread.start()
    occupied.wait()
    with pytest.raises(HashingBusy), places.occupied(time.monotonic() + 0.01):
        pass
    done.set()
    thread.join()
    with places.occupied(time.monotonic() + PATIENCE_SECONDS):
        pass
