"""Opaque cursors: the end of a page, in a form that no client is tempted to make up."""

import base64


def encode(position: str) -> str:
    """The cursor that stands for a position."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The position that a cursor stands for. Raises ValueError where it cannot be one of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise ValueError("is no cursor that a page gave") from None
