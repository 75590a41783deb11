"""Root for browsers: `GET /` of those who prefer HTML is the page, of all others what it was."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service_kit.http.landing_page import prefers_html

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PAGE: Final = "/events"


def browsers_at_root(app: "WSGIApplication") -> "WSGIApplication":
    """The application, with the page where browsers look for it.

    By its path, so that whatever goes by routes, such as who may, knows it as the page.
    """

    def routed(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        is_read = environ["PATH_INFO"] == "/" and environ["REQUEST_METHOD"] in {"GET", "HEAD"}
        if is_read and prefers_html(
            parse_accept_header(environ.get("HTTP_ACCEPT", ""), MIMEAccept)
        ):
            environ["PATH_INFO"] = PAGE
        return app(environ, start)

    return routed
