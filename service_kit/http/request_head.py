"""Bound on what a request may send before its body."""

from typing import Any

from gunicorn.http.message import Request

# gunicorn has no such bound: it multiplies the number of headers by the size of each, which for
# events with much in headers is gigabytes.
HEAD_BYTES = 1024 * 1024


class BoundedRequest(Request):
    """A request whose head is bounded as a whole, not only field by field."""

    def parse(self, unreader: Any) -> Any:
        self.max_buffer_headers = HEAD_BYTES
        return super().parse(unreader)
