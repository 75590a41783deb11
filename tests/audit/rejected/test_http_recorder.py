"""Messages refused over HTTP: the newest are kept, within bounds, and can be redriven."""

import json
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit_service.cli import main
from audit_service.events import EventRejected, Rule
from audit_service.rejected import (
    HttpRecorder,
    RejectedMessage,
    RejectionSummary,
    StoredRejection,
    http_recorder,
    open_rejected,
)
from service_kit.access.principal import ANYONE
from tests.support.audit_client import Sink, open_sink


def stored_rejection(folder: Path) -> Sequence[RejectedMessage]:
    store = open_rejected(f"sqlite:///{folder}/events.db")
    return [each.message for each in store.page(0, 1000)]


def refuse(sink: Sink, *ids: str) -> None:
    for event_id in ids:
        answer = sink.binary({"id": event_id, "specversion": "9"}, b"{}", "application/json")
        assert answer.status_code == 400


def test_the_recorder_keeps_nothing_where_the_setting_is_0(tmp_path: Path) -> None:
    with open_sink(tmp_path, keep_rejected=0) as sink:
        refuse(sink, "1")
    assert stored_rejection(tmp_path) == []


def test_the_recorder_keeps_the_newest_with_their_reasons(tmp_path: Path) -> None:
    with open_sink(tmp_path, keep_rejected=2) as sink:
        refuse(sink, "1", "2", "3", "3")
        assert sink.structured("{no").status_code == 400
        assert sink.binary().status_code == 204
    third, structured = stored_rejection(tmp_path)
    assert ("ce-id", b"3") in third.headers
    assert (third.value, third.origin) == (b"{}", None)
    assert third.reason.startswith("specversion: ")
    assert structured.value == b"{no"


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_redrive_reads_a_message_as_it_came(tmp_path: Path, mode: str) -> None:
    with open_sink(tmp_path, keep_rejected=9) as sink:
        if mode == "binary":
            refuse(sink, "a")
        else:
            sink.structured({"specversion": "9"})
    ids = [str(each.id) for each in open_rejected(f"sqlite:///{tmp_path}/events.db").page(0, 9)]
    environment = {"AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/events.db"}
    again = CliRunner().invoke(main, ["rejected", "redrive", *ids], env=environment)
    assert again.exit_code == 1
    assert "still rejected: specversion: " in again.stderr
    shown = CliRunner().invoke(main, ["rejected", "list", "--json"], env=environment)
    assert json.loads(shown.stdout)[0]["kafka"] is None


def test_a_redrive_brings_in_what_is_tolerated_by_then(tmp_path: Path) -> None:
    with open_sink(tmp_path) as sink:
        assert sink.structured({"methodName": "x"}).status_code == 400
        assert sink.stored() == []
    environment = {
        "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/events.db",
        "AUDIT_SERVICE_TOLERATE": "attribute-names",
    }
    redriven = CliRunner().invoke(main, ["rejected", "redrive", "--all"], env=environment)
    assert redriven.exit_code == 0
    assert redriven.stdout.endswith("1: 1 stored\n")
    with open_sink(tmp_path) as sink:
        (record,) = sink.shown()
        assert record["event"]["methodName"] == "x"
        assert record["tolerated"] == ["attribute-names"]
    assert stored_rejection(tmp_path) == []


class Blocked:
    """A store that keeps nothing until it is released, and remembers its calls."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.saved: list[int] = []

    def save(
        self, messages: Sequence[RejectedMessage], at_most: int | None = None, max_bytes: int = 0
    ) -> None:
        self.begun.set()
        assert self.go.wait(20)
        self.saved.append(len(messages))

    def page(self, after: int, limit: int) -> Sequence[StoredRejection]:
        raise NotImplementedError

    def summaries(self, before: int, limit: int) -> Sequence[RejectionSummary]:
        raise NotImplementedError

    def get(self, number: int) -> StoredRejection | None:
        raise NotImplementedError

    def drop(self, number: int) -> bool:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("size", "kept", "processes"),
    [
        pytest.param(10, http_recorder.INTERVAL_MESSAGES - 1, 1, id="messages"),
        pytest.param(10, http_recorder.INTERVAL_MESSAGES // 2 - 1, 2, id="messages-of-a-process"),
        pytest.param(6 * 1024 * 1024, 2, 1, id="bytes"),
    ],
)
def test_the_recorder_delays_no_request_and_counts_what_is_beyond_its_bounds(
    size: int, kept: int, processes: int
) -> None:
    store = Blocked()
    missed: list[None] = []
    keep = partial(HttpRecorder, processes=processes, interval=0)
    recorder = keep(store, 1000, partial(missed.append, None))
    error = EventRejected(None, "is none", Rule.OTHER)
    recorder.record({}, b"first", error, ANYONE)
    assert store.begun.wait(20)
    for _ in range(kept + 3):
        recorder.record({}, b"x" * size, error, ANYONE)
    store.go.set()
    recorder.flush()
    recorder.close()
    assert (store.saved, len(missed)) == ([1, kept], 3)


def test_a_store_that_fails_changes_no_response(tmp_path: Path) -> None:
    with open_sink(tmp_path, keep_rejected=9) as sink:
        (tmp_path / "events.db").rename(tmp_path / "elsewhere.db")
        refuse(sink, "1")
