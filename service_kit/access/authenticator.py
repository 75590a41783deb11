"""Authenticators: ways to become a principal, each by what a request has with it."""

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

from service_kit.access import token_text
from service_kit.access.principal import Principal
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TokenCache

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of a parameter
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_MOST_BYTES: Final = 1000


class Unauthenticated(Exception):
    """The request says who sends it, and that is not so. The message says why, without a value."""


class TwoTokens(Exception):
    """The request has two tokens (RFC 6750, section 2)."""


class Authenticator(Protocol):
    """A way to become a principal."""

    def __call__(self, environ: Mapping[str, Any]) -> Principal | None:
        """Who sends the request; None where it does not say so in this way.

        Raises Unauthenticated, TwoTokens, TokensUnavailable.
        """
        ...


class BearerTokens:
    """Tokens of `Authorization: Bearer` (RFC 6750, 2.1), and where a path is among
    `query_paths`, of the parameter `access_token` of a POST to it (2.3).
    """

    def __init__(
        self, cache: TokenCache, prefix: str, query_paths: frozenset[str] = frozenset()
    ) -> None:
        self._cache = cache
        self._prefix = prefix
        self._query_paths = query_paths

    def __call__(self, environ: Mapping[str, Any]) -> Principal | None:
        header, given = environ.get("HTTP_AUTHORIZATION"), self._parameters(environ)
        if len(given) + (header is not None) > 1:
            raise TwoTokens
        text = bearer_of(environ) or next(iter(given), None)
        return None if text is None else principal_of(self.find(text), self._cache)

    def find(self, text: str) -> StoredToken:
        """The token of a text. Raises Unauthenticated, TokensUnavailable."""
        digest = token_text.digest_of(text, self._prefix)
        token = None if digest is None else self._cache.find(digest)
        if token is None:
            # The same for one that is malformed, expired, revoked, or never was.
            raise Unauthenticated("the token is none that holds")
        return token

    def _parameters(self, environ: Mapping[str, Any]) -> list[str]:
        query = environ.get("QUERY_STRING")
        if (
            not query
            or environ["REQUEST_METHOD"] != "POST"
            or environ["PATH_INFO"] not in self._query_paths
        ):
            return []
        return [
            value
            for name, value in parse_qsl(query, keep_blank_values=True)
            if name == ACCESS_TOKEN
        ]


def bearer_of(environ: Mapping[str, Any]) -> str | None:
    """The text after `Authorization: Bearer`, None without that header. Raises Unauthenticated."""
    header = environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    match = _BEARER.fullmatch(header) if len(header) < _MOST_BYTES else None
    if match is None:
        raise Unauthenticated("Authorization must be `Bearer TOKEN`")
    return match[1]


def principal_of(token: StoredToken, cache: TokenCache) -> Principal:
    """The bearer of a token, who may as long as it holds."""

    def holds() -> bool:
        return cache.find(token.digest) is not None

    return Principal(token.name, token.scopes, token.bounds, holds)
