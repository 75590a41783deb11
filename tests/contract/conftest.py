from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.audit_client import Sink, open_sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A sink that tolerates no deviation from the specification."""
    with open_sink(tmp_path, tolerate="none") as opened:
        yield opened
