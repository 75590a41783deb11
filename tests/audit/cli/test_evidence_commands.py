"""Commands `verify | proof | verify-proof`: their verdicts, by their exit codes and in words."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from pydantic import SecretStr

from audit_service import create_app
from audit_service.evidence.note_keys import generate_key
from audit_service.log import open_log
from audit_service.settings import Settings
from tests.support import terminal
from tests.support.audit_client import Sink
from tests.support.evidence_log import KEY, SignedLog, alter_log, signed_log
from tests.support.evidence_witness import FakeWitness, open_witness
from tests.support.log_databases import SqliteStore
from tests.support.served_app import served
from tests.support.terminal import Output

Run = Callable[..., Output]
VKEY = "--vkey", str(KEY.verifier)
COUNT = 300


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "events.db")


@pytest.fixture
def url(store: SqliteStore) -> Iterator[str]:
    app = create_app(Settings(database_url=store.url, log_key=SecretStr(KEY.private_text)))
    sink = Sink(app)
    sink.batch([{"id": f"{n}", "data": {"n": n}, "subject": "sub"} for n in range(COUNT)])
    sink.structured(
        '{"id": "x", "source": "/s", "specversion": "1.0", "type": "t", "data": [ 1\n]}'
    )
    with served(app) as running:
        yield running
    app.close()


@pytest.fixture
def signed(url: str, store: SqliteStore) -> Iterator[SignedLog]:
    with closing(open_log(store.url)) as log, signed_log(store, log) as opened:
        opened.catch_up()
        yield opened


@pytest.fixture
def run(store: SqliteStore, url: str) -> Run:
    def command(*words: str) -> Output:
        settings = {"AUDIT_SERVICE_DATABASE_URL": store.url, "AUDIT_SERVICE_URL": url}
        return terminal.run(["audit-service", *words], None, settings)

    return command


@pytest.fixture(params=["database", "http"])
def where(request: pytest.FixtureRequest, url: str) -> list[str]:
    """Options of `verify`: on the database, or over HTTP alone."""
    return [] if request.param == "database" else ["--url", url]


def test_a_log_that_is_as_it_was_holds(run: Run, signed: SignedLog, where: list[str]) -> None:
    output = run("verify", *VKEY, *where)
    assert output.code == 0, output.raw
    assert f"holds: {COUNT + 1} events, as {KEY.name} signed them" in output.raw


def test_the_first_bad_position_is_said(
    run: Run, signed: SignedLog, store: SqliteStore, where: list[str]
) -> None:
    alter_log(store, "UPDATE event SET subject = 'other' WHERE position IN (77, 299)")
    output = run("verify", *VKEY, *where)
    assert output.code == 1, output.raw
    assert "the log does not hold: event 77 is not what was signed" in output.raw


def test_an_index_that_hides_an_event_from_searches_does_not_hold(
    run: Run, signed: SignedLog, tmp_path: Path
) -> None:
    assert run("verify", *VKEY, "--index").code == 2
    run("index", "rebuild")
    output = run("verify", *VKEY, "--index")
    assert output.code == 0, output.raw
    assert f"searches find all of the first {COUNT + 1}" in output.raw
    with apsw.Connection(str(tmp_path / "events.db-index")) as db:
        db.execute("INSERT INTO terms_0 (terms_0) VALUES ('delete-all')")
    assert run("verify", *VKEY).code == 0
    output = run("verify", *VKEY, "--index")
    assert output.code == 1, output.raw
    assert "the index of searches does not hold: what it has of event 1 " in output.raw


def test_no_index_is_looked_at_over_http(run: Run, url: str) -> None:
    output = run("verify", *VKEY, "--index", "--url", url)
    assert output.code == 2
    assert "--index is for the database of the settings" in output.raw


def test_by_another_key_no_log_holds(run: Run, signed: SignedLog, where: list[str]) -> None:
    output = run("verify", "--vkey", str(generate_key(KEY.name).verifier), *where)
    assert output.code == 1, output.raw


def test_a_log_that_lacks_what_was_kept_does_not_hold(
    run: Run, signed: SignedLog, where: list[str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    newest = signed.tree.newest()
    assert newest is not None
    kept.write_bytes(newest.note)
    assert run("verify", *VKEY, *where, "--since", str(kept)).code == 0
    kept.write_bytes(newest.note.replace(b"301", b"302"))
    output = run("verify", *VKEY, *where, "--since", str(kept))
    assert (output.code, "the checkpoint that was kept" in output.raw) == (2, True), output.raw


def test_a_checkpoint_to_keep_is_printed_with_every_export(
    run: Run, signed: SignedLog, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    assert run("checkpoint", "-o", str(kept)).code == 0
    assert run("checkpoint").raw == kept.read_text()
    assert run("verify", *VKEY, "--since", str(kept)).code == 0
    assert kept.read_text() in run("export", "-o", str(tmp_path / "all.ndjson")).raw


def test_where_nothing_is_signed_there_is_none_to_keep(run: Run, url: str, tmp_path: Path) -> None:
    output = run("checkpoint")
    assert (output.code, "nothing is signed yet" in output.raw) == (1, True), output.raw
    assert run("export", "-o", str(tmp_path / "all.ndjson")).raw == ""


def policy_of(witness: FakeWitness, folder: Path) -> str:
    file = folder / "policy"
    file.write_text(f"{witness.policy_line}quorum {witness.name}\n")
    return str(file)


def test_witnesses_are_asked(run: Run, signed: SignedLog, where: list[str], tmp_path: Path) -> None:
    with open_witness(KEY.verifier) as witness:
        policy = policy_of(witness, tmp_path)
        output = run("verify", *VKEY, *where, "--policy", policy)
        assert (output.code, "enough witnesses" in output.raw) == (0, True), output.raw
        witness.size += 1
        output = run("verify", *VKEY, *where, "--policy", policy)
        assert (output.code, "saw 302 events" in output.raw) == (1, True), output.raw
    assert run("verify", *VKEY, *where, "--policy", policy).code == 2


def test_what_is_not_there_cannot_be_checked(run: Run, url: str, where: list[str]) -> None:
    output = run("verify", *VKEY, *where)
    assert (output.code, "nothing of the log is signed yet" in output.raw) == (2, True), output.raw
    assert run("verify", *VKEY, "--url", "http://127.0.0.1:1").code == 2
    assert run("verify", "--vkey", "none").code == 2


def test_an_event_is_proven_offline(run: Run, signed: SignedLog, tmp_path: Path) -> None:
    for position in (5, COUNT + 1):
        proof, event = str(tmp_path / "p.tlog-proof"), str(tmp_path / "event.json")
        assert run("proof", str(position), "-o", proof, "--event", event).code == 0
        output = run("verify-proof", proof, "--event", event, *VKEY)
        assert output.code == 0, output.raw
        assert f"holds: event {position} of {COUNT + 1} that {KEY.name} signed" in output.raw
        record = json.loads(Path(event).read_text())
        record["event"]["subject"] = "other"
        Path(event).write_text(json.dumps(record))
        output = run("verify-proof", proof, "--event", event, *VKEY)
        assert (output.code, "does not hold" in output.raw) == (1, True), output.raw


def test_an_exported_record_is_proven(run: Run, signed: SignedLog, tmp_path: Path) -> None:
    proof, lines = str(tmp_path / "p.tlog-proof"), tmp_path / "all.ndjson"
    assert run("proof", "9", "-o", proof).code == 0
    assert run("export", "--records", "-o", str(lines)).code == 0
    line = tmp_path / "line"
    for number, code in ((8, 0), (9, 1)):
        line.write_bytes(lines.read_bytes().splitlines()[number])
        assert run("verify-proof", proof, "--event", str(line), *VKEY).code == code


def test_what_has_no_proof_says_why(run: Run, url: str, tmp_path: Path) -> None:
    output = run("proof", "1", "-o", str(tmp_path / "p"))
    assert (output.code, "not signed yet" in output.raw) == (1, True), output.raw
    assert not (tmp_path / "p").exists()
    (tmp_path / "p").write_text("none")
    assert run("verify-proof", str(tmp_path / "p"), "--event", str(tmp_path / "p"), *VKEY).code == 2
