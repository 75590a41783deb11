"""The sampler: Python imports this at its start where its folder is on PYTHONPATH.

Each process that it forks, as gunicorn does its workers, then writes the stack of the running
thread to a file of its own, whenever it has used so much more processor time.
"""

import faulthandler
import os
import signal
from pathlib import Path


def _begin() -> None:
    seconds = float(os.environ["BENCH_SAMPLE_SECONDS"])
    path = Path(os.environ["BENCH_SAMPLES"], str(os.getpid()))
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # What is left when faulthandler lets go of the signal at exit. The default would be death.
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    # It restores errno only where it goes on to the handler before it. Else CPython now and then
    # reads 0 after a lock was not acquired, takes that for success, and two threads hold it.
    faulthandler.register(signal.SIGPROF, file, all_threads=False, chain=True)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)


os.register_at_fork(after_in_child=_begin)
