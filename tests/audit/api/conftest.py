from collections.abc import Iterator

import pytest

from audit_service.log import Backend
from tests.support.evidence_log import SIZE, SignedLog, signed_log
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event


@pytest.fixture
def signed(store: Store, backend: Backend) -> Iterator[SignedLog]:
    """A log of SIZE events, all of them signed."""
    with signed_log(store, backend) as opened_log:
        commit(backend, *(event(f"e{n}", b"x" * (n % 7)) for n in range(SIZE)))
        opened_log.catch_up()
        yield opened_log
