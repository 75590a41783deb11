"""Lines of a service: written by a thread, whichever process logs, and however it ends."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.pipes import Pipe

PREPARE = """
import os, resource, signal, sys, threading, time
import structlog
from service_kit import logs
logs.configure("trial-service", "json")
logs.queue_lines()
log = structlog.get_logger()
"""


def run(code: str, *within: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*within, sys.executable, "-c", PREPARE + code]
    return subprocess.run(command, text=True, timeout=30, check=False, **options)


def printed(code: str) -> list[str]:
    """The messages that a process printed that ran the code and ended well."""
    ended = run(code, stdout=subprocess.PIPE)
    assert ended.returncode == 0
    return [json.loads(line)["message"] for line in ended.stdout.splitlines()]


def test_what_is_queued_is_written_at_the_end() -> None:
    code = "for n in range(1000): log.info(str(n))"
    assert printed(code) == [str(n) for n in range(1000)]


def test_what_is_queued_is_written_before_an_end_at_once() -> None:
    assert printed("log.info('last')\nlogs.close()\nos._exit(0)") == ["last"]


def test_lines_after_the_end_hold_up_nobody(pipe: Pipe) -> None:
    code = "logs.close()\nfor n in range(1000): log.info(str(n))"
    assert run(code, stdout=pipe.writing).returncode == 0


def test_a_forked_process_writes_its_own_lines_and_not_those_of_its_parent() -> None:
    code = """
for n in range(50):
    log.info(f"parent {n}")
child = os.fork()
if child == 0:
    log.info("child")
    sys.exit()
os.waitpid(child, 0)
log.info("parent at last")
"""
    came = printed(code)
    assert came.count("child") == 1
    assert [each for each in came if each != "child"] == [
        *(f"parent {n}" for n in range(50)),
        "parent at last",
    ]


def test_the_thread_that_writes_takes_no_signal(tmp_path: Any) -> None:
    code = """
log.info("a thread is there")
while not os.fstat(1).st_size:
    os.sched_yield()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
signal.sigwait([signal.SIGTERM])
"""
    with (tmp_path / "out").open("wb") as file:
        assert run(code, stdout=file).returncode == 0


def test_a_signals_handler_may_log_whatever_it_interrupts(pipe: Pipe) -> None:
    code = """
def handle(*_):
    log.info("handled")
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
least, most = time.monotonic() + 1, time.monotonic() + 30
while time.monotonic() < (most if not logs.lost_lines() else least):
    log.info("x" * 8000)
signal.setitimer(signal.ITIMER_REAL, 0)
sys.exit(0 if logs.lost_lines() else "none was lost")
"""
    assert run(code, stdout=pipe.writing).returncode == 0


def test_a_process_ends_though_nobody_reads_what_it_prints(pipe: Pipe) -> None:
    assert run("for n in range(1000): log.info(str(n))", stdout=pipe.writing).returncode == 0


def test_what_a_full_disk_cut_short_is_a_line_of_its_own(tmp_path: Any) -> None:
    out = tmp_path / "out"
    code = f"""
allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, allowed[1]))
for n in range(20):
    log.info(str(n))
while open({str(out)!r}).read().count("\\n") + logs.lost_lines() < 20:
    os.sched_yield()
resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
log.info("after")
"""
    with out.open("wb") as file:
        assert run(code, stdout=file).returncode == 0
    *whole, torn, after, told = out.read_text().splitlines()
    messages = [json.loads(line)["message"] for line in whole]
    assert messages == [str(n) for n in range(len(messages))]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(torn)
    assert json.loads(after)["message"] == "after"
    assert (
        json.loads(told).items()
        >= {
            "message": "log lines were lost",
            "level": "warning",
            "lines": 20 - len(messages),
        }.items()
    )


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_lines_never_go_to_a_file_that_took_the_number_of_a_closed_output(
    tmp_path: Any, closed: str
) -> None:
    code = f"""
with open({str(tmp_path / "data")!r}, "w+b") as file:
    log.info("a line")
    logs.close()
    sys.exit(3 if file.fileno() <= 2 or file.read() else 0)
"""
    ended = run(code, "sh", "-c", f'exec "$@" {closed}', "sh")
    assert ended.returncode == 0
    assert (tmp_path / "data").read_bytes() == b""


@pytest.mark.parametrize("queued", ["", "logs.queue_lines()"])
def test_a_librarys_line_that_cannot_be_made_is_lost_and_fails_nobody(queued: str) -> None:
    code = f"""
import logging
logs.configure("trial-service", "json")
{queued}
logging.getLogger("library").warning("%d", "no number")
log.info(str(logs.lost_lines()))
"""
    ended = run(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert json.loads(ended.stdout)["message"] == "1"
    assert ended.stderr == ""


def test_a_command_whose_output_cannot_be_written_goes_on() -> None:
    code = """
logs.configure("trial-service", "json")
log.info("a line")
os._exit(0 if logs.lost_lines() == 1 else 1)
"""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        assert run(code, stdout=full).returncode == 0
