"""Answer without a body."""

from http import HTTPStatus

from flask import Response


class _NoContent(Response):
    default_mimetype = None


def no_content() -> Response:
    """204, which has no type either."""
    return _NoContent(status=HTTPStatus.NO_CONTENT)
