"""Memory of deliveries is bounded: what is too much is refused, and says so."""

import io
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from audit_service import Stores, app_on
from audit_service.access.token_store import open_tokens
from audit_service.evidence.tree_store import open_tree
from audit_service.log import Outcome, Receipt
from audit_service.log.backend import Also, Drain
from audit_service.rejected import open_rejected
from audit_service.settings import MIB, Settings
from service_kit.disk_reserve import DiskReserve
from tests.support.audit_client import PROBLEM, FailingBackend, Sink, event_text, open_sink
from tests.support.metrics_scrape import Scrape
from tests.support.waiting import wait_until

SLOW_BYTES = 900_000
HEADERS = {"ce-id": "slow", "ce-source": "/s", "ce-specversion": "1.0", "ce-type": "t"}


class SlowUpload(io.BytesIO):
    """A body whose end, from `sent` bytes on, comes once it may; `begun`: it is waited for."""

    def __init__(self, sent: int) -> None:
        super().__init__(b"x" * SLOW_BYTES)
        self._sent = sent
        self.begun, self.may_come = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self._wait()
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        self._wait()
        return super().readinto(buffer)

    def _wait(self) -> None:
        if self.tell() >= self._sent:
            self.begun.set()
            assert self.may_come.wait(30)


@contextmanager
def slow_upload(sink: Sink, sent: int = SLOW_BYTES * 9 // 10) -> Iterator[None]:
    """A delivery of which so much was read while the block runs, and which is accepted after it."""
    stream = SlowUpload(sent)

    def post() -> TestResponse:
        return sink.app.test_client().post("/", headers=HEADERS, input_stream=stream)

    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(post)
        try:
            assert stream.begun.wait(30)
            yield
        finally:
            stream.may_come.set()
        assert upload.result(30).status_code == 204


def test_a_long_body_that_does_not_fit_beside_others_is_503_and_a_short_one_is_read(
    tmp_path: Path,
) -> None:
    with open_sink(tmp_path, body_memory=2 * MIB) as sink:
        with slow_upload(sink):
            refused = sink.binary({"id": "long"}, body=b"x" * 200_000)
            assert (refused.status_code, refused.content_type) == (503, PROBLEM)
            assert refused.headers["Retry-After"] == "1"
            assert sink.binary({"id": "short"}, body=b"x" * 60_000).status_code == 204
        assert sink.binary({"id": "long"}, body=b"x" * 200_000).status_code == 204
        assert [event["id"] for event in sink.stored()] == ["short", "slow", "long"]
        metrics = Scrape(sink.client.get("/metrics").text)
        assert sum(metrics.values("audit_service_rejected_total", "reason").values()) == 0


def test_a_body_that_was_announced_and_does_not_come_takes_no_room(tmp_path: Path) -> None:
    with open_sink(tmp_path, body_memory=2 * MIB) as sink, slow_upload(sink, sent=0):
        assert sink.binary({"id": "long"}, body=b"x" * 200_000).status_code == 204


def test_a_body_that_is_refused_gives_its_memory_back(tmp_path: Path) -> None:
    with open_sink(tmp_path, body_memory=2 * MIB) as sink:
        for _ in range(3):
            assert sink.structured("x" * 300_000).status_code == 400
        with slow_upload(sink):
            pass


class CommitOfMany(FailingBackend):
    """A backend that commits once so many events are queued; `queued`: how many are."""

    def __init__(self, many: int) -> None:
        super().__init__(AssertionError("it only commits"))
        self._many = many
        self.queued = 0

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        wait_until(lambda: self._look(drain) == self._many)
        return [Receipt(number, Outcome.STORED) for number in range(self._many)]

    def _look(self, drain: Drain) -> int:
        self.queued = len(drain())
        return self.queued


def test_batches_that_wait_for_their_commit_have_less_memory_than_parsing_takes() -> None:
    backend = CommitOfMany(10_000)
    disk, rejected = DiskReserve(None, size=0), open_rejected("sqlite:///absent")
    tokens, tree = open_tokens("sqlite:///absent"), open_tree("sqlite:///absent")
    stores = Stores(backend, rejected, tokens, tree)
    app = app_on(stores, Settings(body_memory=12 * MIB), disk)

    def post(number: int) -> Future[TestResponse]:
        """Return once the batch of that number is queued, or refused."""
        batch = [{"id": f"{number} {i}"} for i in range(1000)]
        answer = pool.submit(Sink(app).batch, batch)
        wait_until(lambda: answer.done() or backend.queued == 1000 * number)
        return answer

    with ThreadPoolExecutor(10) as pool:
        answers = [post(number) for number in range(1, 11)]
        assert [answer.result().status_code for answer in answers] == [204] * 10


@pytest.mark.parametrize("space", ["", " "])
def test_a_batch_with_an_event_that_is_too_long_is_413_and_says_which(
    sink: Sink, space: str
) -> None:
    long = event_text(f'"data":{space}"{"x" * MIB}"')
    answer = sink.batch(f"[{event_text()},{long}]")
    assert answer.status_code == 413
    assert answer.get_json()["errors"] == [
        {"index": 1, "attribute": None, "rule": f"the event is longer than {MIB} bytes"}
    ]
    assert sink.stored() == []


def test_json_of_too_many_values_is_413_and_says_how_many_there_may_be(sink: Sink) -> None:
    answer = sink.structured(event_text(f'"data":[{"0," * 250_000}0]'))
    assert (answer.status_code, answer.get_json()["limit"]) == (413, 250_000)
    assert sink.stored() == []


def test_of_10_000_bad_items_100_are_shown_and_their_number(sink: Sink) -> None:
    answer = sink.batch([{"id": ""}] * 10_000)
    assert answer.status_code == 400
    assert [error["index"] for error in answer.get_json()["errors"]] == [*range(100)]
    assert answer.get_json()["error_count"] == 10_000
