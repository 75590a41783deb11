"""Runner of several commands: they start together, and none outlives another.

Whatever is still running holds the pipe that `Together.end` reads to its end, so that it
returning in time is the proof that nothing is left.
"""

import http.server
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest

TIMEOUT_SECONDS = 10.0
SLEEP = ["sleep", "600"]


class Together:
    """The program, running."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.run_together", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The next line that any of it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def signal(self, number: int) -> None:
        """Send it a signal, and none to those that it started."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, and what it printed, once nothing of it is left."""
        out, err = self._process.communicate(timeout=TIMEOUT_SECONDS)
        return self._process.returncode, out, err

    def kill(self) -> None:
        """For a test that failed; what it left running is not waited for."""
        with self._process:
            self._process.terminate()
            try:
                self._process.communicate(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()


@pytest.fixture
def together() -> Iterator[Callable[..., Together]]:
    started: list[Together] = []

    def start(*words: str) -> Together:
        started.append(Together(*words))
        return started[-1]

    yield start
    for one in started:
        one.kill()


Start = Callable[..., Together]


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("first", [True, False])
def test_the_first_command_that_ends_stops_the_others_and_gives_its_exit_code(
    together: Start, code: int, *, first: bool
) -> None:
    ends, stays = ["sh", "-c", f"exit {code}"], SLEEP
    commands = [ends, "--", *stays] if first else [stays, "--", *ends]
    words = [word for part in commands for word in (part if isinstance(part, list) else [part])]
    assert together("--", *words).end()[0] == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_is_no_failure(together: Start, number: int) -> None:
    running = together("--", "sh", "-c", "echo started; exec sleep 600", "--", *SLEEP)
    assert running.line() == "started"
    running.signal(number)
    assert running.end()[0] == 0


def test_a_burst_of_signals_stops_all(together: Start) -> None:
    """A handler may interrupt another, or the main thread, wherever that is."""
    script = "trap 'sleep 0.5; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    running = together("--", "sh", "-c", script)
    assert running.line() == "started"
    for _ in range(1000):
        running.signal(signal.SIGINT)
        running.signal(signal.SIGTERM)
    assert running.end()[0] == 0


def test_each_command_is_asked_to_stop_and_may_finish(together: Start) -> None:
    script = "trap 'echo finished; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    running = together("--", "sh", "-c", script)
    assert running.line() == "started"
    running.signal(signal.SIGINT)
    assert running.end()[:2] == (0, "finished\n")


def test_the_last_command_is_stopped_first(together: Start) -> None:
    script = "trap 'echo %s; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    later = "trap 'sleep 0.2; echo one; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    running = together("--", "sh", "-c", later, "--", "sh", "-c", script % "two")
    assert [running.line(), running.line()] == ["started", "started"]
    running.signal(signal.SIGTERM)
    assert running.end()[:2] == (0, "two\none\n")


def test_processes_that_a_command_started_are_stopped_with_it(together: Start) -> None:
    running = together("--", "sh", "-c", "sleep 600 & echo started; wait")
    assert running.line() == "started"
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 0


def test_a_command_that_cannot_be_started_is_named_and_the_others_stop(together: Start) -> None:
    code, _, err = together("--", *SLEEP, "--", "no-such-program").end()
    assert code not in {0, None}
    assert err == "no-such-program: No such file or directory\n"


class _Ready(http.server.BaseHTTPRequestHandler):
    answers: list[HTTPStatus]

    def do_GET(self) -> None:
        """Answer what comes next, the last answer for ever."""
        answers = type(self).answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _answering(*answers: HTTPStatus) -> Iterator[str]:
    handler = type("Handler", (_Ready,), {"answers": list(answers)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/readyz"
        server.shutdown()
        thread.join()


def test_the_text_is_printed_once_every_url_is_ready(together: Start) -> None:
    with (
        _answering(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK) as one,
        _answering(HTTPStatus.OK) as two,
    ):
        running = together("--ready", one, "--ready", two, "--say", "All run", "--", *SLEEP)
        assert running.line() == "All run"
        running.signal(signal.SIGINT)
        assert running.end()[0] == 0


def test_the_text_is_not_printed_where_a_command_ends_before(together: Start) -> None:
    with _answering(HTTPStatus.SERVICE_UNAVAILABLE) as url:
        ended = together(
            "--ready", url, "--say", "All run", "--", "sh", "-c", "exit 5", "--", *SLEEP
        ).end()
    assert ended[:2] == (5, "")


def test_a_runner_can_be_stopped_before_its_urls_are_ready(together: Start) -> None:
    with _answering(HTTPStatus.SERVICE_UNAVAILABLE) as url:
        running = together(
            "--ready", url, "--say", "All run", "--", "sh", "-c", "echo started; exec sleep 600"
        )
        assert running.line() == "started"
        running.signal(signal.SIGINT)
        assert running.end()[:2] == (0, "")
