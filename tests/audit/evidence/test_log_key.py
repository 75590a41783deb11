"""Key of a log: made once, for its owner alone, and never another in its place."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from audit_service.evidence.log_key import LogKey, NoKey, SigningStopped, write_key
from audit_service.evidence.note_keys import KeyMalformed, generate_key, parse_signing_key
from audit_service.settings import Settings
from service_kit.settings.base import SettingsError

KEY = generate_key("log.example")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.db-key"


def test_a_log_makes_one_key_and_says_which(file: Path) -> None:
    source = LogKey("", "", str(file))
    with capture_logs() as lines:
        made = source.load_or_make()
        assert source.load_or_make() == source.load() == made
    assert re.fullmatch(r"localhost/audit-log-[0-9a-f]{8}", made.name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    (line,) = lines
    assert line["verifier_key"] == str(made.verifier)
    assert made.private_text not in str(lines)
    assert parse_signing_key(file.read_text().strip()) == made


def test_all_that_make_one_at_once_have_the_same(file: Path) -> None:
    sources = [LogKey("", "", str(file)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(LogKey.load_or_make, sources))
    assert len(made) == 1


def test_a_key_that_is_given_is_the_key(file: Path) -> None:
    assert LogKey(KEY.private_text, "", str(file)).load_or_make() == KEY
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "x", "PRIVATE+KEY+a+00000000+AA=="])
def test_a_file_without_a_key_is_none_and_stays_as_it_is(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(SigningStopped, match="key of the log"):
        LogKey("", "", str(file)).load_or_make()
    assert file.read_text() == text


def test_no_key_is_made_where_there_is_no_place_for_it() -> None:
    with pytest.raises(NoKey):
        LogKey("", "", None).load_or_make()


def test_a_key_of_another_origin_is_refused_and_a_new_one_has_it(file: Path) -> None:
    assert LogKey("", "log.example/a", str(file)).load_or_make().name == "log.example/a"
    with pytest.raises(SigningStopped, match="and not of log"):
        LogKey("", "log.example/b", str(file)).load()


def test_what_is_there_is_not_overwritten(file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(FileExistsError):
        write_key(str(file), "log.example")
    with pytest.raises(KeyMalformed):
        write_key(str(file) + "2", "log example")
    assert [path.read_text() for path in file.parent.iterdir()] == ["precious"]


def test_a_key_in_a_file_is_a_setting_that_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write_key(str(tmp_path / "log.key"), "log.example")
    monkeypatch.setenv("AUDIT_SERVICE_LOG_KEY_FILE", str(tmp_path / "log.key"))
    settings = Settings.load()
    assert settings.signing.load() == key
    secret = key.private_text.split("+", 4)[4]
    assert secret not in str(settings.shown()) + repr(settings) + repr(settings.signing)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KEY", "x"), ("KEY", "another check"), ("ORIGIN", "a b"), ("ORIGIN", "a+b")],
)
def test_wrong_settings_are_named_and_no_key_is_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    if value == "another check":
        value = KEY.private_text.replace(KEY.verifier.key_id.hex(), "00000000")
    monkeypatch.setenv(f"AUDIT_SERVICE_LOG_{variable}", value)
    with pytest.raises(SettingsError, match=f"AUDIT_SERVICE_LOG_{variable}") as error:
        Settings.load()
    assert KEY.private_text.split("+", 4)[4] not in str(error.value)


def test_a_key_and_another_origin_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_LOG_KEY", KEY.private_text)
    monkeypatch.setenv("AUDIT_SERVICE_LOG_ORIGIN", "other.example")
    with pytest.raises(SettingsError, match="must be the name of the key"):
        Settings.load()


@pytest.mark.parametrize("suffix", ["-tree", "-key", "-tree-wal", ""])
def test_no_index_takes_the_place_of_the_tree_or_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str
) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_DATABASE_URL", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.setenv("AUDIT_SERVICE_INDEX", f"{tmp_path}/events.db{suffix}")
    with pytest.raises(SettingsError, match="AUDIT_SERVICE_INDEX"):
        Settings.load()
