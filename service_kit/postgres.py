"""Sessions of PostgreSQL: durable commits, and no wait without an end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Options of libpq. A server that is gone without a word is found out in seconds.
_SOCKET: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True)
class Session:
    """Time-outs of a session, in seconds, and other settings of it by name.

    `lock_seconds`: of a wait for one lock; `statement_seconds`: of a whole statement;
    `idle_seconds`: of a transaction that does nothing, which then lets go of its locks.
    """

    lock_seconds: float
    statement_seconds: float
    idle_seconds: float
    others: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """Every setting of the session by its name.

        `synchronous_commit` MUST be on whatever the server's default is: a commit is on disk
        when it returns.
        """
        return {
            "synchronous_commit": "on",
            "lock_timeout": _milliseconds(self.lock_seconds),
            "statement_timeout": _milliseconds(self.statement_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_seconds),
            **self.others,
        }

    def connect_args(self, options: str = "") -> dict[str, Any]:
        """Arguments of libpq for a connection; `options`: those of its URL, which ours win over."""
        ours = (f"-c {name}={_escape(value)}" for name, value in self.settings().items())
        return {"options": " ".join([options, *ours]).strip(), **_SOCKET}


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _escape(value: str) -> str:
    """The value as one word of libpq's `options`."""
    return value.replace("\\", r"\\").replace(" ", r"\ ")
