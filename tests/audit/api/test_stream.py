"""Live tail: events as they arrive, after any position, none missed and none twice."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from audit_service import TIMING, create_app
from audit_service.api.stream_timing import StreamTiming
from audit_service.settings import Settings
from tests.support.audit_client import PROBLEM, Sink
from tests.support.served_app import served
from tests.support.waiting import wait_until

MANY_COMMENTS = replace(TIMING, streams=StreamTiming(quiet_seconds=0.1))
"""A client in this process closes only once it has read something."""


class Served:
    """A service on a socket, which a test sends events to."""

    def __init__(self, url: str, sink: Sink) -> None:
        self.url = url
        self.sink = sink

    def send(self, *ids: str, **attributes: str) -> None:
        answer = self.sink.batch([{"id": each, **attributes} for each in ids])
        assert answer.status_code == 204, answer.text

    @contextmanager
    def follow(self, asked: str = "", headers: dict[str, str] | None = None) -> Iterator["Tail"]:
        with requests.get(
            f"{self.url}/v1/events/stream?{asked}", headers=headers, stream=True, timeout=20
        ) as response:
            assert response.status_code == 200, response.text
            yield Tail(response)


class Tail:
    """What a client was sent so far."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.lines: list[str] = []
        self.has_ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_until(lambda: self.lines)

    def ids(self) -> list[str]:
        return [json.loads(line[6:])["event"]["id"] for line in self.lines if line[:6] == "data: "]

    def positions(self) -> list[int]:
        """Of events."""
        lines = zip(self.lines, self.lines[1:], strict=False)
        return [int(at[4:]) for at, line in lines if line.startswith("data: ")]

    def last_id(self) -> int:
        """What a client resumes from."""
        return [int(line[4:]) for line in self.lines if line.startswith("id: ")][-1]

    def _read(self) -> None:
        try:
            for line in self.response.iter_lines(chunk_size=None, decode_unicode=True):
                self.lines.append(line)
        except Exception:  # noqa: BLE001 - whatever the library raises once it is closed
            pass
        finally:
            self.has_ended.set()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/events.db")
    app = create_app(settings, timing=MANY_COMMENTS)
    with served(app) as url:
        yield Served(url, Sink(app))
        app.is_draining = True
    app.close()


def test_it_begins_with_what_arrives_next(service: Served) -> None:
    service.send("before")
    with service.follow() as tail:
        service.send("1", "2")
        service.send("3")
        wait_until(lambda: tail.ids() == ["1", "2", "3"])
        assert tail.positions() == [2, 3, 4]


@pytest.mark.parametrize(
    ("asked", "headers"),
    [("after=2", {}), ("", {"Last-Event-ID": "2"}), ("after=0", {"Last-Event-ID": "2"})],
)
def test_it_goes_on_after_a_position(service: Served, asked: str, headers: dict[str, str]) -> None:
    service.send("1", "2", "3", "4")
    with service.follow(asked, headers) as tail:
        wait_until(lambda: tail.ids() == ["3", "4"])
        service.send("5")
        wait_until(lambda: tail.ids() == ["3", "4", "5"])


def test_only_what_matches_is_sent(service: Served) -> None:
    with service.follow("type=a") as exact, service.follow("type=!a&subject=x*") as others:
        service.send("1", type="a")
        service.send("2", type="b", subject="xyz")
        service.send("3", type="b")
        service.send("4", type="a", subject="xyz")
        wait_until(lambda: exact.ids() == ["1", "4"])
        wait_until(lambda: others.ids() == ["2"])


def test_streams_that_join_and_leave_miss_nothing_while_events_arrive(service: Served) -> None:
    stop = threading.Event()
    sent: list[str] = []

    def send() -> None:
        while not stop.is_set():
            name = f"{len(sent)}"
            service.send(name, subject=f"s{len(sent) % 3}")
            sent.append(name)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with service.follow("after=0") as every:
            for round_ in range(5):
                with service.follow(f"after=0&subject=s{round_ % 3}") as some:
                    wait_until(lambda: len(some.ids()) > 10)
                    found = some.ids()
                    assert found == [f"{n}" for n in range(round_ % 3, len(found) * 3, 3)]
            stop.set()
            sender.join()
            wait_until(lambda: len(every.ids()) == len(sent))
            assert every.ids() == sent
    finally:
        stop.set()
        sender.join()


def test_one_that_falls_behind_catches_up_from_the_log(service: Served) -> None:
    with service.follow("type=t") as tail:
        ids = [f"{n}" for n in range(500)]
        service.send(*ids)
        wait_until(lambda: len(tail.ids()) == 500)
        assert tail.ids() == ids
        service.send("last")
        wait_until(lambda: tail.ids()[-1] == "last")


def test_a_comment_comes_where_nothing_does(service: Served) -> None:
    with service.follow() as tail:
        wait_until(lambda: tail.lines.count(":") >= 2)


def test_past_the_most_it_is_503(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/events.db", max_streams=1)
    app = create_app(settings, timing=MANY_COMMENTS)
    with served(app) as url:
        service = Served(url, Sink(app))
        with service.follow():
            refused = requests.get(f"{url}/v1/events/stream", timeout=20)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0
            metrics = requests.get(f"{url}/metrics", timeout=20).text
            assert "audit_service_streams_opened_total 1.0" in metrics
        app.is_draining = True
    app.close()


def test_a_service_that_drains_ends_all_within_a_second(service: Served) -> None:
    with service.follow() as tail:
        began = time.monotonic()
        service.sink.app.is_draining = True  # type: ignore[attr-defined]
        assert tail.has_ended.wait(10)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("asked", "headers", "pointer"),
    [
        ("after=x", {}, "/after"),
        ("after=1&after=2", {}, "/after"),
        ("", {"Last-Event-ID": "x"}, "/Last-Event-ID"),
        ("limit=2", {}, "/limit"),
        ("after=9223372036854775808", {}, "/after"),
    ],
)
def test_422_names_what_cannot_be(
    sink: Sink, asked: str, headers: dict[str, str], pointer: str
) -> None:
    answer = sink.client.get(f"/v1/events/stream?{asked}", headers=headers)
    assert (answer.status_code, answer.content_type) == (422, PROBLEM)
    errors: Any = answer.get_json()["errors"]
    assert [error["pointer"] for error in errors] == [pointer]
