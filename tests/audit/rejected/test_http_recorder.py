"""What is refused over HTTP is kept where a setting says so, the newest of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit_service.cli import main
from audit_service.rejected import RejectedMessage, open_rejected
from tests.support.audit_client import Sink, open_sink


def stored_rejection(folder: Path) -> Sequence[RejectedMessage]:
    store = open_rejected(f"sqlite:///{folder}/events.db")
    return [each.message for each in store.page(0, 1000)]


def refuse(sink: Sink, *ids: str) -> None:
    for event_id in ids:
        answer = sink.binary({"id": event_id, "specversion": "9"}, b"{}", "application/json")
        assert answer.status_code == 400


def test_nothing_is_kept_unless_told_to(tmp_path: Path) -> None:
    with open_sink(tmp_path) as sink:
        refuse(sink, "1")
    assert stored_rejection(tmp_path) == []


def test_the_newest_are_kept_with_what_is_wrong(tmp_path: Path) -> None:
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
def test_a_redrive_reads_it_as_it_came(tmp_path: Path, mode: str) -> None:
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


def test_a_store_that_fails_changes_no_answer(tmp_path: Path) -> None:
    with open_sink(tmp_path, keep_rejected=9) as sink:
        (tmp_path / "events.db").rename(tmp_path / "elsewhere.db")
        refuse(sink, "1")
