"""Runner of several commands as one: all start, and when one ends or Ctrl-C comes, all stop.

    python -m tools.run_together [--ready URL] [--say TEXT] -- COMMAND [ARG …] -- COMMAND [ARG …]

Once every URL answers 200 the text is printed. The exit code is that of the command that
ended first, or 0 after Ctrl-C or SIGTERM.

Each command keeps the terminal, by which it chooses how it logs, and 30 s to finish. Runners such
as honcho read its output by a pipe, and kill it after 5 s.
"""

import itertools
import os
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from types import FrameType

import click

from service_kit.process.healthcheck import DIRECTLY

POLL_SECONDS = 0.1
STOP_SECONDS = 30.0


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--ready", multiple=True, metavar="URL", help="Wait until it answers 200.")
@click.option("--say", default="", help="What to print once all are ready.")
@click.argument("commands", nargs=-1, type=click.UNPROCESSED, required=True)
def main(ready: Sequence[str], say: str, commands: Sequence[str]) -> None:
    """Run COMMANDS, which are separated by `--`, as one."""
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop.handle)
    processes: list[Process] = []
    try:
        for command in _split(commands):
            # A group of its own, so that Ctrl-C reaches it once, by way of _stop, and in order.
            process = subprocess.Popen(command, start_new_session=True)
            # One by one: those that run are stopped where the next cannot be started.
            processes.append(process)
        ended = _wait_until_ready(ready, processes, stop)
        if ended is None and say and not stop.asked:
            click.echo(say)
        ended = ended or _wait_for_end(processes, stop)
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    finally:
        _stop(processes)
    sys.exit(ended.returncode if ended else 0)


Process = subprocess.Popen[bytes]


class Stop:
    """Whether a signal asked to stop.

    A handler MUST NOT take a lock, as the one of threading.Event: the main thread, which it
    interrupts, may hold it.
    """

    asked = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """The handler of a signal."""
        self.asked = True


def _split(words: Sequence[str]) -> Iterator[list[str]]:
    for is_separator, group in itertools.groupby(words, lambda word: word == "--"):
        if not is_separator:
            yield list(group)


def _ended(processes: list[Process]) -> Process | None:
    return next((process for process in processes if process.poll() is not None), None)


def _wait_until_ready(urls: Sequence[str], processes: list[Process], stop: Stop) -> Process | None:
    """Return once all URLs answer 200, the stop is asked for, or a process ended: that one."""
    waiting = list(urls)
    while waiting and not stop.asked:
        ended = _ended(processes)
        if ended:
            return ended
        waiting = [url for url in waiting if not _answers(url)]
        time.sleep(POLL_SECONDS)
    return None


def _answers(url: str) -> bool:
    try:
        with DIRECTLY.open(url, timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _wait_for_end(processes: list[Process], stop: Stop) -> Process | None:
    while not stop.asked:
        ended = _ended(processes)
        if ended:
            return ended
        time.sleep(POLL_SECONDS)
    return None


def _stop(processes: list[Process]) -> None:
    """Ask all to stop, the last first, so that a peer outlasts its clients; kill what will not."""
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # What the command started and left behind.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
