"""Settings of the audit service: the names by which each can be set."""

import pytest

from audit_service.settings import Settings


def test_the_commit_timeout_can_still_be_set_by_its_old_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUDIT_SERVICE_COMMIT_PATIENCE", "2")
    assert Settings.load().commit_timeout == 2.0
    monkeypatch.setenv("AUDIT_SERVICE_COMMIT_TIMEOUT", "3")
    assert Settings.load().commit_timeout == 3.0
