"""A durable audit service as one would write it in an hour: an INSERT and a COMMIT an event.

The standard `sqlite3` with its defaults: a rollback journal, an fsync a commit, five seconds of
patience with whoever else writes. A connection a request, as Flask's own tutorial has it.
"""

import json
import os
import sqlite3
from contextlib import closing

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from flask import Flask, request


def create_app() -> Flask:
    """The application; NAIVE_DATABASE says where its file is."""
    app = Flask(__name__)
    path = os.environ["NAIVE_DATABASE"]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS event (id, source, type, time, data)")

    @app.post("/")
    def receive() -> tuple[str, int]:
        message = HTTPMessage(headers=dict(request.headers), body=request.get_data())
        event = from_http(message, JSONFormat())
        time = event.get_time()
        row = (
            event.get_id(),
            event.get_source(),
            event.get_type(),
            time and time.isoformat(),
            json.dumps(event.get_data()),
        )
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", row)
        return "", 204

    return app
