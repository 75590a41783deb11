"""Fixture of the commands that go over HTTP: a service that is really served."""

from collections.abc import Iterator

import pytest

from tests.support.sink_server import Sink
from tests.support.user_commands import served
from tests.user.conftest import MakeApp


@pytest.fixture
def url(make_app: MakeApp, sink: Sink) -> Iterator[str]:
    """Where a user service answers whose sink acknowledges everything."""
    with served(make_app(sink=sink.url)) as url:
        yield url
