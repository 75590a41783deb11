"""Waiting until calls are queued for a commit."""

import threading
from typing import Any

import pytest

from service_kit.group_commit import GroupCommit

PATIENCE_SECONDS = 20


def wait_until_queued(commit: GroupCommit[Any, Any], count: int) -> None:
    """Return once so many are queued; whoever is to commit is one of them until it takes them."""
    pause = threading.Event()
    for _ in range(PATIENCE_SECONDS * 1000):
        if len(commit._queue) == count:  # noqa: SLF001 - nothing else tells of it
            return
        pause.wait(0.001)
    pytest.fail(f"{count} never came to wait")
