"""Command `audit-service keys create`."""

from pathlib import Path

from audit_service.evidence.note_keys import parse_signing_key, parse_verifier_key
from tests.support import terminal


def create(folder: Path, *words: str, url: str | None = None) -> terminal.Output:
    settings = {"AUDIT_SERVICE_DATABASE_URL": url or f"sqlite:///{folder}/events.db"}
    return terminal.run(["audit-service", "keys", "create", *words], None, settings)


def test_a_key_is_made_for_its_owner_and_the_verifier_key_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "log.key"
    made = create(tmp_path, "-o", str(file), "--origin", "example.com/log")
    assert (made.code, len(made.lines)) == (0, 1)
    key = parse_signing_key(file.read_text().strip())
    assert parse_verifier_key(made.lines[0]) == key.verifier
    assert (key.name, file.stat().st_mode & 0o777) == ("example.com/log", 0o600)
    assert key.private_text not in made.raw
    again = create(tmp_path, "-o", str(file))
    assert (again.code, "stays as it is" in again.raw) == (1, True)


def test_without_a_name_it_is_where_the_log_looks_for_it(tmp_path: Path) -> None:
    assert create(tmp_path).code == 0
    assert (tmp_path / "events.db-key").exists()


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    assert create(tmp_path, "--origin", "a b").code == 2
    assert create(tmp_path, url="postgresql://127.0.0.1/events").code == 2
    assert create(tmp_path, "-o", "/proc/nowhere/key").code == 73
    assert [*tmp_path.iterdir()] == []


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    settings = {"AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/events.db"}
    assert terminal.run(["audit-service", "migrate"], None, settings).code == 0
    create(tmp_path)
    key = tmp_path / "events.db-key"
    assert str(key) not in terminal.run(["audit-service", "check"], None, settings).raw
    key.chmod(0o640)
    checked = terminal.run(["audit-service", "check"], None, settings)
    assert checked.code == 0
    assert "others than its owner can use what holds the data" in checked.raw
    assert str(key) in checked.raw
