"""Token file: read again when it changes; what is wrong with it is said, without a value."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from service_kit.access.token_file import TokenFile, WrongTokenFile

SCOPES = frozenset({"events:read", "events:write"})
DIGEST = hashlib.sha256(b"secret").hexdigest()
ITEM: dict[str, Any] = {"name": "a", "sha256": DIGEST, "scopes": ["events:read"]}


def write(file: Path, *items: Any) -> None:
    fresh = file.with_name("fresh")
    fresh.write_text(json.dumps(items))
    fresh.replace(file)


def test_it_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write(file, ITEM)
    tokens = TokenFile(str(file), SCOPES)
    (token,) = tokens.tokens()
    assert (token.name, token.digest.hex(), token.bounds) == ("a", DIGEST, ())
    write(file, {**ITEM, "sources": ["/users/"]}, {**ITEM, "name": "b", "sha256": "0" * 64})
    first, second = tokens.tokens()
    assert (first.bounds, second.name) == (("/users/",), "b")


@pytest.mark.parametrize("text", ["", "{}", "[{}]", json.dumps([{**ITEM, "scopes": ["nope"]}])])
def test_one_that_becomes_wrong_is_said_once_and_those_before_hold_on(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "tokens.json"
    write(file, ITEM)
    tokens = TokenFile(str(file), SCOPES)
    file.write_text(text)
    with capture_logs() as lines:
        for _ in range(3):
            assert len(tokens.tokens()) == 1
    assert [line["event"] for line in lines] == ["the tokens of the file before hold on"]


def test_one_that_cannot_be_read_yet_is_read_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokens.json"
    write(file, ITEM)
    tokens = TokenFile(str(file), SCOPES)
    write(file)
    with monkeypatch.context() as patch:

        def denied(_: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        patch.setattr(Path, "read_bytes", denied)
        assert len(tokens.tokens()) == 1
    assert tokens.tokens() == []


@pytest.mark.parametrize(
    ("item", "where"),
    [
        ({**ITEM, "sha256": "x" * 64}, "0.sha256"),
        ({**ITEM, "scopes": []}, "0.scopes"),
        ({**ITEM, "scopes": ["events:all"]}, "0.scopes"),
        ({**ITEM, "token": "aud_secret"}, "0.token"),
        ({**ITEM, "sources": [""]}, "0.sources.0"),
    ],
)
def test_what_is_wrong_is_named_without_a_value(tmp_path: Path, item: Any, where: str) -> None:
    file = tmp_path / "tokens.json"
    write(file, item)
    with pytest.raises(WrongTokenFile, match=where) as error:
        TokenFile(str(file), SCOPES)
    assert "aud_secret" not in str(error.value)


def test_a_name_that_is_the_services_own_is_none(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    write(file, ITEM)
    with pytest.raises(WrongTokenFile, match=r"0\.name"):
        TokenFile(str(file), SCOPES, frozenset({"a"}))


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongTokenFile, match="No such file"):
        TokenFile(str(tmp_path / "absent"), SCOPES)
