"""Flask that answers 204 and does nothing: no service on it can be faster."""

from flask import Flask


def create_app() -> Flask:
    """The application."""
    app = Flask(__name__)

    @app.post("/")
    def receive() -> tuple[str, int]:
        return "", 204

    return app
