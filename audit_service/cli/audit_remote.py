"""Audit service over HTTP, as the command line asks it."""

import os
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from audit_service.cli.filter_options import EXAMPLE, Filters
from audit_service.cli.program import PROGRAM
from service_kit.cli.remote import (
    REFUSED,
    UNREACHABLE,
    Remote,
    Response,
    Unreachable,
    chosen_url,
    problem_of,
)

DEFAULT_URL: Final = "http://localhost:8080"
VARIABLE: Final = "AUDIT_SERVICE_URL"
PAGE: Final = 1000
_INVALID: Final = 422
_OURS: Final = 500


class AuditRemote(Remote):
    """The service that the options, the environment or the default name."""

    def __init__(self) -> None:
        default = os.environ.get(VARIABLE, DEFAULT_URL)
        super().__init__(PROGRAM, chosen_url(default))

    def check(self, response: Response) -> None:
        if response.status_code == _INVALID:
            self.end(REFUSED, f"{problem_of(response)}; {EXAMPLE}")
        super().check(response)

    def events(self, filters: Filters, order: str, limit: int | None) -> Iterator[dict[str, Any]]:
        """The records that match, at most `limit` of them, page by page."""
        left, cursor = limit, None
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            paging = [("order", order), ("limit", str(size))]
            paging += [] if cursor is None else [("cursor", cursor)]
            page = self.get("/v1/events", [*filters, *paging])
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def count(self, filters: Filters) -> int | None:
        """How many match; None where it would take too long to count them."""
        page = self.get("/v1/events", [*filters, ("limit", "1"), ("count", "true")])
        return page["count"]["matches"] if page["count"]["complete"] else None

    def stream(self, path: str, filters: Filters, **options: Any) -> Response:
        """An answer that is read as it comes. Raises Unreachable; see `check`."""
        response = self.ask("GET", path, params=filters, stream=True, **options)
        if response.status_code >= _OURS:
            raise Unreachable(f"answered {response.status_code}")
        self.check(response)
        return response

    def unreachable(self, error: Unreachable) -> NoReturn:
        """End the process, since there is no answer."""
        self.end(UNREACHABLE, str(error))
