"""Shutdown: the work in hand is finished, unless it takes too long."""

import signal
import subprocess
import sys

import pytest

_FINISHING = """
from service_kit.process import shutdown
stop = shutdown.stop_event()
print("at work", flush=True)
stop.wait()
print("finished", flush=True)
"""
_STUCK = """
import time
from service_kit.process import shutdown
shutdown.stop_event(grace_seconds=0.2)
print("at work", flush=True)
while True:
    time.sleep(1)
"""


def stopped(script: str, number: signal.Signals) -> tuple[int, str]:
    """The exit code and the output of a process that gets the signal once it is at work."""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    return process.returncode, rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_work_in_hand_is_finished(number: signal.Signals) -> None:
    assert stopped(_FINISHING, number) == (0, "finished\n")


def test_work_that_does_not_end_is_given_up() -> None:
    code, _ = stopped(_STUCK, signal.SIGTERM)
    assert code == 1
