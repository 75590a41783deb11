"""Waiting until calls are queued for a commit."""

from typing import Protocol

from tests.support.waiting import wait_until


class Queueing(Protocol):
    """A group commit, or a component that has one."""

    @property
    def queued(self) -> int:
        """Calls that no commit has drained yet."""
        ...


def wait_until_queued(commit: Queueing, count: int) -> None:
    """Return once so many calls are queued; the leader's is one until its commit drains it."""
    wait_until(lambda: commit.queued == count, what=f"a queue of {count}", step=0.001)
