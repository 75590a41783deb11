"""Tools that nobody here wrote, which a log has to convince."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import go_tools
from tests.support.evidence_tools import Fsck, Litewitness, running_litewitness


@pytest.fixture
def fsck(tmp_path: Path) -> Fsck:
    """The check of tessera."""
    return Fsck(go_tools.installed(*go_tools.FSCK), tmp_path)


@pytest.fixture
def litewitness() -> Iterator[Litewitness]:
    """The witness of torchwood."""
    with running_litewitness() as witness:
        yield witness


@pytest.fixture(scope="session")
def go_verify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our program on Go's own packages for notes and trees."""
    return go_tools.ours("verify", tmp_path_factory.mktemp("go"))
