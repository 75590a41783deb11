"""SQLite file: made for its owner alone, looked at for being wider, or read-only."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service_kit import sqlite_file


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("_umask")
def test_a_file_and_its_folders_are_made_for_their_owner_whatever_the_umask(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a" / "b" / "users.db"
    sqlite_file.make(str(file))
    assert mode(file) == 0o600
    assert {mode(folder) for folder in (file.parent, file.parent.parent)} == {0o700}


def test_what_exists_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    file.write_bytes(b"content")
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    sqlite_file.make(str(file))
    assert (file.read_bytes(), mode(file), mode(tmp_path)) == (b"content", 0o644, 0o755)


def test_each_that_is_wider_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    modes = {"": 0o640, "-wal": 0o604, "-shm": 0o600, "-journal": 0o400, "-key": 0o644}
    for name, given in modes.items():
        beside = tmp_path / f"users.db{name}"
        beside.touch()
        beside.chmod(given)
    tmp_path.chmod(0o711)
    with capture_logs() as logged:
        sqlite_file.log_wider(str(file), ["-key"])
    assert {line["log_level"] for line in logged} == {"warning"}
    assert [(line["path"], line["mode"], line["wanted"]) for line in logged] == [
        (str(tmp_path), "0711", "0700"),
        (str(file), "0640", "0600"),
        (f"{file}-wal", "0604", "0600"),
        (f"{file}-key", "0644", "0600"),
    ]
