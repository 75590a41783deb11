"""Functions that tests of the log run in processes of their own, which import no test module."""

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier

from audit_service.events import Event
from audit_service.log import EventLog, Receipt, migrate, open_log

PROCESSES = 3
_SECONDS = 60

_together: list[Barrier] = []


def meet_at(barrier: Barrier) -> None:
    """The processes' initializer: where they wait for each other."""
    _together.append(barrier)


def event(event_id: str, data: bytes | None = None, **attributes: str | int | bool) -> Event:
    required = {"id": event_id, "source": "/s", "specversion": "1.0", "type": "t"}
    return Event({**required, **attributes}, data)


def append_each(url: str, batches: Sequence[Sequence[Event]]) -> list[Receipt]:
    """Append the batches one after another, at the same time as the other processes do."""
    backend = open_log(url)
    log = EventLog(backend, timeout=_SECONDS)
    _together[0].wait(_SECONDS)
    try:
        return [receipt for batch in batches for receipt in log.append(batch)]
    finally:
        backend.close()


def migrate_each(urls: Sequence[str]) -> None:
    """Migrate each, at the same time as the other processes do."""
    for url in urls:
        _together[0].wait(_SECONDS)
        try:
            migrate(url)
            open_log(url).close()
        except BaseException:
            _together[0].abort()  # No process waits for one that fails.
            raise
