"""Token cache: the tokens of a store as they were a moment ago, so that few requests read it.

What is revoked is so in every process within two seconds.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from service_kit.access.stored_token import StoredToken
from service_kit.clock import now_in_microseconds
from service_kit.concurrency import Runner

log = structlog.get_logger()

Load = Callable[[], Iterable[StoredToken]]


@dataclass(frozen=True, slots=True)
class TokenTiming:
    """Seconds for which what was read is used without another look, and after which it MUST NOT
    be used.
    """

    fresh_seconds: float = 1.0
    stale_seconds: float = 2.0


TOKEN_TIMING: Final = TokenTiming()


class TokensUnavailable(Exception):
    """Which tokens there are cannot be found out now."""


class TokenCache:
    """Tokens by their digests. For callers of one concurrency."""

    def __init__(
        self,
        load: Load,
        run: Runner,
        unavailable: tuple[type[Exception], ...],
        *,
        timing: TokenTiming = TOKEN_TIMING,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = now_in_microseconds,
    ) -> None:
        """`load`: reads all of them, and raises one of `unavailable` where it cannot; `run`: runs
        it; `now`: microseconds since 1970.
        """
        self._load = load
        self._run = run
        self._unavailable = unavailable
        self._timing = timing
        self._clock = clock
        self._now = now
        self._tokens: Mapping[bytes, StoredToken] = {}
        self._read_at = self._failed_at = float("-inf")
        self._failure: Exception | None = None
        self._is_reading = False

    def find(self, digest: bytes) -> StoredToken | None:
        """The token of a digest, where it holds. Raises TokensUnavailable."""
        self._refresh()
        token = self._tokens.get(digest)
        return token if token is not None and token.holds_at(self._now()) else None

    def all(self) -> Iterable[StoredToken]:
        """Those that hold. Raises TokensUnavailable."""
        self._refresh()
        now = self._now()
        return [token for token in self._tokens.values() if token.holds_at(now)]

    def _refresh(self) -> None:
        age, timing = self._age(), self._timing
        # Others go on with what there is while one reads.
        if age < timing.fresh_seconds or (age < timing.stale_seconds and self._is_reading):
            return
        self._is_reading = True
        try:
            self._run(self._read)
        except self._unavailable as error:
            # It may have taken long to find that out.
            if self._age() >= timing.stale_seconds:
                raise TokensUnavailable from error
        finally:
            self._is_reading = False
        if self._age() >= timing.stale_seconds:
            raise TokensUnavailable

    def _read(self) -> None:
        """Read them, where nobody has while this one waited for its turn; one after another."""
        if self._age() < self._timing.fresh_seconds:
            return
        began = self._clock()
        has_just_failed = began - self._failed_at < self._timing.fresh_seconds
        if has_just_failed and self._failure is not None:
            raise self._failure
        try:
            tokens = {token.digest: token for token in self._load()}
        except self._unavailable as error:
            self._failed_at, self._failure = self._clock(), error
            raise
        self._tokens, self._read_at, self._failure = tokens, began, None

    def _age(self) -> float:
        return self._clock() - self._read_at
