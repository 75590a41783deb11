"""A pipe of a page, which is read only when a test says so."""

from collections.abc import Iterator

import pytest

from tests.support.pipes import Pipe

PAGE = 4096


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with Pipe(PAGE) as pipe:
        yield pipe
