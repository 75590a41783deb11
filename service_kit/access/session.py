"""Session of a browser: a cookie that stands for a token, as long as the token holds.

It is signed with a key of the service and what is kept of the token: who reads the database or a
token file cannot make one, and none is valid whose token is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from flask import Response
from itsdangerous import BadSignature, TimestampSigner

from service_kit.access.authenticator import Unauthenticated, principal_of
from service_kit.access.principal import Principal
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenCache

MOST_SECONDS: Final = 8 * 60 * 60
_SALT: Final = "service_kit.access.session"
_ID_CHARACTERS: Final = 16
_MOST_BYTES: Final = 200
_MOST_HEADER_BYTES: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class SessionKind:
    """Sessions of a service: `cookie`, which no other on the same host has, since cookies do not
    tell ports apart; `key`: MUST be a secret, the same in all processes.
    """

    cookie: str
    key: str

    def begin(self, response: Response, token: StoredToken, *, secure: bool) -> None:
        """Begin a session of that token."""
        signer = self._signer(token.digest)
        value = signer.sign(self.id_of(token.digest)).decode()
        response.set_cookie(
            *(self.cookie, value, MOST_SECONDS), httponly=True, samesite="Strict", secure=secure
        )

    def end(self, response: Response, *, secure: bool) -> None:
        """End the session."""
        response.delete_cookie(self.cookie, httponly=True, samesite="Strict", secure=secure)

    def is_signed(self, value: str, token: StoredToken) -> bool:
        """Whether a cookie's value is of a session of that token that has not ended."""
        signer = self._signer(token.digest)
        try:
            signer.unsign(value, max_age=MOST_SECONDS)
        except BadSignature:
            return False
        # Base64 has several texts for the same bytes.
        signed, _, signature = value.rpartition(".")
        return signer.get_signature(signed.encode()) == signature.encode()

    @lru_cache(10_000)  # noqa: B019 - there is one, as long as the process
    def id_of(self, digest: bytes) -> str:
        """What the cookie names a token by: nothing that would tell it."""
        return self._signer(digest).get_signature(b"id").decode()[:_ID_CHARACTERS]

    def _signer(self, digest: bytes) -> TimestampSigner:
        return TimestampSigner([self.key.encode() + digest], salt=_SALT)


class SessionCookies:
    """An Authenticator (see there) by the cookie of a session."""

    def __init__(self, cache: TokenCache, kind: SessionKind) -> None:
        self._cache = cache
        self._kind = kind

    def __call__(self, environ: Mapping[str, Any]) -> Principal | None:
        value = _cookie(environ.get("HTTP_COOKIE", ""), self._kind.cookie)
        if value is None:
            return None
        number = value.partition(".")[0]
        for token in self._cache.all():
            if self._kind.id_of(token.digest) == number and self._kind.is_signed(value, token):
                return principal_of(token, self._cache)
        raise Unauthenticated("the session has ended")


def _cookie(header: str, name: str) -> str | None:
    """The value of a cookie, whatever others there are. No library's parser: that of Python takes
    seconds for some headers, and gives up at the first that it does not understand.
    """
    if len(header) > _MOST_HEADER_BYTES:
        return None
    for pair in header.split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name and len(value) < _MOST_BYTES and value.isascii():
            return value
    return None
