"""Google's functions-framework: a function that is given each event and prints it.

Its SDK is of the 1.x line, so it runs in a virtual environment of its own: see
`environments`. Its own command serves the same Flask application under the same gunicorn.
"""

import functions_framework  # type: ignore[import-not-found]  # only in its own environment
from flask import Flask


@functions_framework.cloud_event  # type: ignore[untyped-decorator]  # likewise
def audit(event: dict[str, str]) -> None:
    """What the article's audit service does."""
    print(
        f"Found {event['id']} from {event['source']} with type {event['type']} "
        f"and specversion {event['specversion']}"
    )


def create_app() -> Flask:
    """The application."""
    app: Flask = functions_framework.create_app(target="audit", source=__file__)
    return app
