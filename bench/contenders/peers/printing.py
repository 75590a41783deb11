"""The article's audit service on today's SDK: it prints what it finds and keeps nothing."""

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from flask import Flask, request


def create_app() -> Flask:
    """The application."""
    app = Flask(__name__)

    @app.post("/")
    def receive() -> tuple[str, int]:
        message = HTTPMessage(headers=dict(request.headers), body=request.get_data())
        event = from_http(message, JSONFormat())
        print(
            f"Found {event.get_id()} from {event.get_source()} with type {event.get_type()} "
            f"and specversion {event.get_specversion()}"
        )
        return "", 204

    return app
