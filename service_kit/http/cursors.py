"""Opaque cursors: where a page ended, in a form that nobody is tempted to make up."""

import base64


def encode(place: str) -> str:
    """The cursor that stands for a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The place that a cursor stands for. Raises ValueError where it cannot be one of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise ValueError("is no cursor that a page gave") from None
