"""`make run`: both services, the article's curl, and nothing left after Ctrl-C."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.kafka import Broker
from tests.support.ports import free_port
from tests.support.processes import environment

ROOT = Path(__file__).parents[2]
OF_THE_PAIR = ("USER", "AUDIT")
CURL = re.compile(r"^\s*(curl -X POST .*)$", re.MULTILINE)

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(shutil.which("make") is None, reason="needs make: install it"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: install it"),
]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    users, events = free_port(), free_port()
    return {
        "USER_SERVICE_BIND": f"127.0.0.1:{users}",
        "AUDIT_SERVICE_BIND": f"127.0.0.1:{events}",
        "USER_SERVICE_SINK": f"http://127.0.0.1:{events}/",
        "USER_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/users.db",
        "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/events.db",
    }


@pytest.fixture
def running(settings: dict[str, object]) -> Iterator[subprocess.Popen[str]]:
    process = make_run(settings)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(40)
    assert process.stdout is not None
    process.stdout.close()


def make_run(settings: dict[str, object], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["make", "--no-print-directory", "run", *words],
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> str:
    """What it printed up to a line that the pattern is found in."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if pattern.search(line):
            return text
    raise AssertionError(text)


def test_it_prints_a_curl_line_that_ends_as_a_found_line_and_an_event(
    running: subprocess.Popen[str], settings: dict[str, object]
) -> None:
    text = read_until(running, CURL)
    curl = CURL.search(text)
    assert curl is not None
    answer = subprocess.run(
        [*shlex.split(curl[1]), "--silent", "--write-out", "%{http_code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.endswith("201")
    read_until(running, re.compile(r"Found \S+ from github.com/eminetto/post-cloudevents with"))
    events = requests.get(f"http://{settings['AUDIT_SERVICE_BIND']}/v1/events", timeout=10).json()
    assert [item["event"]["type"] for item in events["items"]] == ["user.storeUser"]


def test_ctrl_c_stops_both_and_leaves_nothing_running(
    running: subprocess.Popen[str], settings: dict[str, object]
) -> None:
    read_until(running, CURL)
    os.killpg(running.pid, signal.SIGINT)
    running.wait(40)
    for bind in ("USER_SERVICE_BIND", "AUDIT_SERVICE_BIND"):
        host, _, port = str(settings[bind]).rpartition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=2)


@pytest.fixture
def kafka_settings(settings: dict[str, object], kafka_broker: Broker) -> dict[str, object]:
    """The same pair, with a topic between its two."""
    topic = kafka_broker.new_topic()
    url = f"kafka://{kafka_broker.address}/{topic}?client.id=of-make-run&linger.ms=0"
    bind = f"127.0.0.1:{free_port()}"
    return {**settings, "USER_SERVICE_SINK": url, "AUDIT_SERVICE_CONSUMER_BIND": bind}


def test_with_a_topic_as_its_sink_the_event_is_found_by_a_consumer(
    kafka_settings: dict[str, object],
) -> None:
    url = kafka_settings.pop("USER_SERVICE_SINK")
    process = make_run(kafka_settings, f"SINK={url}")
    read_until(process, CURL)
    users, events = (f"http://{kafka_settings[f'{name}_SERVICE_BIND']}" for name in OF_THE_PAIR)
    made = requests.post(f"{users}/v1/user", json={"name": "Ozzy", "password": "1"}, timeout=10)
    assert made.status_code == 201
    read_until(process, re.compile(r"Found \S+ from github.com/eminetto/post-cloudevents with"))
    (item,) = requests.get(f"{events}/v1/events", timeout=10).json()["items"]
    assert item["event"]["subject"] == made.json()["id"]
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=40)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"USER_SERVICE_WORKERS": "many"}, "USER_SERVICE_WORKERS"),
        ({"AUDIT_SERVICE_BIND": "nowhere"}, "AUDIT_SERVICE_BIND"),
        ({"USER_SERVICE_SINK": "ftp://example.com/"}, "USER_SERVICE_SINK"),
        ({"USER_SERVICE_SINK": "kafka://127.0.0.1:9092/"}, "USER_SERVICE_SINK"),
        ({"USER_SERVICE_SINK": "kafka://127.0.0.1:9092/a?no.such=1"}, "USER_SERVICE_SINK"),
    ],
)
def test_a_wrong_setting_ends_it_with_one_line_that_names_it(
    settings: dict[str, object], wrong: dict[str, object], named: str
) -> None:
    text, code = run_to_its_end({**settings, **wrong})
    complaints = [line for line in text.splitlines() if "-service: " in line]
    assert len(complaints) == 1
    assert named in complaints[0]
    assert code != 0


@pytest.mark.parametrize("bind", ["USER_SERVICE_BIND", "AUDIT_SERVICE_BIND"])
def test_a_port_that_is_taken_ends_it_with_one_line_that_names_it(
    settings: dict[str, object], bind: str
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        text, code = run_to_its_end({**settings, bind: address})
    complaints = [line for line in text.splitlines() if "-service: " in line]
    assert len(complaints) == 1
    assert address in complaints[0]
    assert code != 0


def run_to_its_end(settings: dict[str, object]) -> tuple[str, int]:
    process = make_run(settings)
    text, _ = process.communicate(timeout=60)
    return text, process.returncode
