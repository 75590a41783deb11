"""Controls: what of access a service is wired with, by its settings."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from service_kit.access.authenticator import BearerTokens
from service_kit.access.guard import Access, Scopes
from service_kit.access.session import SessionCookies, SessionKind
from service_kit.access.stored_token import StoredToken
from service_kit.access.token_cache import TOKEN_TIMING, Load, TokenCache, TokenTiming
from service_kit.access.token_file import TokenFile
from service_kit.concurrency import Runner
from service_kit.metrics.registry import Metrics
from service_kit.settings.base import ServiceSettings
from service_kit.settings.hosts import is_loopback

STATUSES: Final = (400, 401, 403, 503)
REFUSED: Final = "Requests that were refused before their bodies were read, for who sent them"


class UncontrolledAddress(Exception):
    """Anyone who reaches the address would be let in, and nobody said that it is to be so."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a service's access is about: the scope of each endpoint, all scopes, the prefix of its
    tokens, the paths of which a token may be in the query, and names that no token may have.
    """

    endpoints: Scopes
    scopes: frozenset[str]
    prefix: str
    query_paths: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()


NO_KINDS: Final = Kinds({}, frozenset(), "")
"""Of a service whose access is not controlled."""


@dataclass(frozen=True, slots=True)
class Controls:
    """`tokens`: None where access is not controlled."""

    access: Access
    sessions: SessionKind
    tokens: BearerTokens | None = None


def controls(
    settings: ServiceSettings,
    kinds: Kinds,
    load: Load,
    *,
    unavailable: tuple[type[Exception], ...],
    run: Runner,
    metrics: Metrics,
    timing: TokenTiming = TOKEN_TIMING,
) -> Controls:
    """The controls. `load`, `unavailable`, `run`, `timing`: see TokenCache.

    Raises WrongTokenFile.
    """
    refused = metrics.counter("access_refused_total", REFUSED, ["status"])
    counted = {status: refused.labels(str(status)) for status in STATUSES}

    def count(status: int) -> None:
        counted[status].inc()

    # Where no master has made one for all workers, it is this process's own.
    key = settings.session_key.get_secret_value() or secrets.token_urlsafe(32)
    sessions = SessionKind(f"{kinds.prefix}_session", key)
    if settings.auth != "tokens":
        return Controls(Access(kinds.endpoints, (), count), sessions)
    file = _file(settings, kinds)

    def all_tokens() -> Iterator[StoredToken]:
        yield from load()
        if file is not None:
            yield from file.tokens()

    cache = TokenCache(all_tokens, run, unavailable, timing=timing)
    tokens = BearerTokens(cache, kinds.prefix, kinds.query_paths)
    authenticators = tokens, SessionCookies(cache, sessions)
    return Controls(Access(kinds.endpoints, authenticators, count), sessions, tokens)


def check_file(settings: ServiceSettings, kinds: Kinds) -> None:
    """Raises WrongTokenFile."""
    if settings.auth == "tokens":
        _file(settings, kinds)


def _file(settings: ServiceSettings, kinds: Kinds) -> TokenFile | None:
    if not settings.tokens_file:
        return None
    return TokenFile(settings.tokens_file, kinds.scopes, kinds.reserved)


def check_address(settings: ServiceSettings, bind: str) -> None:
    """Raises UncontrolledAddress where others than this machine reach an address, and whether
    access is controlled is not said.
    """
    if not settings.auth and not is_loopback(bind):
        name = f"{settings.model_config['env_prefix']}AUTH"
        raise UncontrolledAddress(
            f"{name}: {bind} is reached from other machines: set it to `tokens`, or to `none` to "
            "let anyone in who reaches it"
        )
