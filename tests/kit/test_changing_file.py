"""Changing file: read once for each change, and again once it can be."""

from pathlib import Path

import pytest

from service_kit.changing_file import ChangingFile


def test_it_is_read_once_for_each_change(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"first")
    file = ChangingFile(str(path))
    assert [file.read_if_changed() for _ in range(3)] == [b"first", None, None]
    path.with_name("next").write_bytes(b"other")
    path.with_name("next").replace(path)
    assert [file.read_if_changed() for _ in range(2)] == [b"other", None]


def test_one_that_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    file = ChangingFile(str(path))
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            file.read_if_changed()
    path.write_bytes(b"there")
    assert file.read_if_changed() == b"there"
