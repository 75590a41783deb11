"""Service that answers with streams, each for as long as its client likes, on one worker.

`python -m tests.support.streaming_service PORT [FOLDER]`: once it has BEGUN there, it waits for GO.
"""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import gevent
from flask import Response

from service_kit.concurrency import Concurrency
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.http.blocking import never_blocks
from service_kit.process import gunicorn_server
from service_kit.settings.base import ServiceSettings

TICK_SECONDS = 0.2
BEGUN, GO = "begun", "go"


def create_app(concurrency: Concurrency) -> ServiceApp:
    """The application, with `/ticks`."""
    for folder in sys.argv[2:]:
        Path(folder, BEGUN).touch()
        while not Path(folder, GO).exists():
            gevent.sleep(TICK_SECONDS)
    app = service_app.create(
        __name__, title="Trial", version="1", problem_for={}, checks={}, concurrency=concurrency
    )

    @app.get("/ticks")
    @never_blocks
    def ticks() -> Response:
        return Response(_ticks(), content_type="text/event-stream")

    return app


def _ticks() -> Iterator[str]:
    for number in count():
        yield f"data: {number}\n\n"
        gevent.sleep(TICK_SECONDS)


if __name__ == "__main__":
    settings = ServiceSettings(bind=f"127.0.0.1:{sys.argv[1]}", workers=1)
    gunicorn_server.run("trial", settings, create_app)
