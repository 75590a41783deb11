"""Recent records: what several followers of a log read, each row once while they are abreast."""

from collections.abc import Sequence
from typing import Final

from audit_service.log.backend import Backend, Record

STEP_RECORDS: Final = 8192
STEP_BYTES: Final = 16 * 1024 * 1024
"""The most that is read, and held, at once."""


class RecentRecords:
    """The records that were read last, of one log. For the followers of one thread."""

    def __init__(self, log: Backend) -> None:
        self.log = log
        self._held: Sequence[Record] = ()

    def after(self, position: int) -> Sequence[Record]:
        """Records that follow a position, some thousand at most; empty where there are none.

        Raises LogUnavailable.
        """
        if not self._holds(position + 1):
            self._held = ()
            if self.log.last() > position:
                self._held = self.log.oldest(position, STEP_RECORDS, STEP_BYTES).records
        if not self._held:
            return ()
        return self._held[max(0, position + 1 - self._held[0].position) :]

    def forget(self) -> None:
        """Hold none, so that the next are read anew."""
        self._held = ()

    def _holds(self, position: int) -> bool:
        held = self._held
        return bool(held) and held[0].position <= position <= held[-1].position
