"""Request heads, read by gunicorn's parser and judged more strictly than it does."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final

from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding
from gunicorn.http.message import Request

# gunicorn has no such bound: it multiplies the number of headers by the size of each, which for
# events with much in headers is gigabytes.
HEAD_BYTES: Final = 1024 * 1024

# A name that no client can send, since a colon ends a name.
_REPEATED: Final = ":REPEATED"
_HTTP_1_1: Final = (1, 1)


class StrictRequest(Request):
    """A request whose head is bounded as a whole, and means one thing.

    Refused: a transfer coding other than `chunked`, whose bytes would be taken for the body
    (501; RFC 9112, 6.1); HTTP/1.1 without Host (400; RFC 9112, 3.2). Kept: `ce-` headers with an
    underscore, which the service is to judge; other such headers are dropped.
    """

    def parse(self, unreader: Any) -> Any:
        self.max_buffer_headers = HEAD_BYTES
        rest = super().parse(unreader)
        names = [name for name, _ in self.headers]
        if self.version >= _HTTP_1_1 and "HOST" not in names:
            raise InvalidHeader("HOST", req=self)
        for name, value in self.headers:
            if name == "TRANSFER-ENCODING" and value.lower() != "chunked":
                raise UnsupportedTransferCoding(value)
        if len(set(names)) < len(names):
            repeated = sorted(name for name, times in Counter(names).items() if times > 1)
            self.headers.append((_REPEATED, ",".join(repeated)))
        return rest

    def _peer_is_trusted_proxy(self) -> bool:
        if not self.cfg.forwarded_allow_ips:
            # No need to parse the address of each client.
            return False
        trusted: bool = super()._peer_is_trusted_proxy()
        return trusted

    def _apply_header_policy(self, name: str, value: str, *state: Any, **options: Any) -> Any:
        if name.startswith("CE-"):
            return name, value
        return super()._apply_header_policy(name, value, *state, **options)


def repeated_headers(environ: Mapping[str, Any]) -> Collection[str]:
    """Names, in lower case, of headers that came more than once.

    WSGI joins their values by a comma, which may be part of one. Known under this server alone.
    """
    names: str = environ.get(f"HTTP_{_REPEATED}", "")
    return names.lower().split(",") if names else ()
