"""Guard: the one place that decides whether a request is served."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, request

from service_kit.access import same_origin
from service_kit.access.authenticator import Authenticator, TwoTokens, Unauthenticated
from service_kit.access.principal import ANYONE, Principal, current, set_principal
from service_kit.access.token_cache import TokensUnavailable
from service_kit.http.problems import Problem, unavailable

OPEN: Final = ""
"""The scope of what is open to all."""
METRICS_READ: Final = "metrics:read"
"""The scope of metrics, and of what readiness reports."""
READINESS: Final = "health.readyz"
"""What is open, and shows more to those with METRICS_READ."""

Scopes = Mapping[str, str]
"""For each endpoint the scope that it takes, or OPEN."""

COMMON_ROUTES: Final[Scopes] = {
    "health.livez": OPEN,
    READINESS: OPEN,
    "metrics.show": METRICS_READ,
    "landing_page.show": OPEN,
    "openapi.spec": OPEN,
    "api_docs.show": OPEN,
    "api_docs_assets.serve": OPEN,
    "session.begin": OPEN,
    "session.end": OPEN,
    "session.leave": OPEN,
}
"""Of the routes that every service has."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: everybody where there are no authenticators.

    `on_refused` is called with the status of each request that is refused.
    """

    scopes: Scopes
    authenticators: Sequence[Authenticator] = ()
    on_refused: Callable[[int], None] = lambda _: None

    @property
    def is_controlled(self) -> bool:
        """Whether principals are told apart."""
        return bool(self.authenticators)

    def admit(self, environ: dict[str, Any], endpoint: str | None) -> None:
        """Let a request pass. It has a principal from then on, one that is refused, too.

        MUST be called before its body is read. Raises Problem.
        """
        scope = OPEN if endpoint is None else self.scopes.get(endpoint)
        set_principal(environ, _NOBODY)
        try:
            same_origin.check(environ)
            principal = self._sender(environ, endpoint, scope)
            set_principal(environ, principal)
            if self.is_controlled and not _has(principal, scope):
                raise forbidden(scope)
        except Problem as problem:
            self.on_refused(problem.status.value)
            raise

    def _sender(
        self, environ: Mapping[str, Any], endpoint: str | None, scope: str | None
    ) -> Principal:
        if not self.authenticators:
            return ANYONE
        if scope != OPEN:
            return self.authenticated(environ)
        # Nobody looks anything up for a stranger, but what is shown of readiness.
        return (self._who(environ) if endpoint == READINESS else None) or _NOBODY

    def authenticated(self, environ: Mapping[str, Any]) -> Principal:
        """Who sends the request. Raises Problem, 401 where it is not said."""
        try:
            found = self._found(environ)
        except Unauthenticated as error:
            raise unauthorized(str(error), 'error="invalid_token"') from None
        except TwoTokens:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "there must be one token",
                headers={"WWW-Authenticate": 'Bearer error="invalid_request"'},
            ) from None
        except TokensUnavailable:
            raise unavailable(_UNKNOWN) from None
        if found is None:
            raise unauthorized("there is no token")
        return found

    def _who(self, environ: Mapping[str, Any]) -> Principal | None:
        """The same where anybody may: nobody is refused, whatever they say of themselves."""
        try:
            return self._found(environ)
        except (Unauthenticated, TwoTokens, TokensUnavailable):
            return None

    def _found(self, environ: Mapping[str, Any]) -> Principal | None:
        found = (each(environ) for each in self.authenticators)
        return next((principal for principal in found if principal is not None), None)


def _has(principal: Principal, scope: str | None) -> bool:
    return scope == OPEN or (scope is not None and principal.may(scope))


def register(app: Flask, access: Access) -> None:
    """Have every request of the application be judged, those of no route too."""

    def admit() -> None:
        access.admit(request.environ, request.endpoint)

    app.before_request(admit)


def may_see_reports() -> bool:
    """Whether who sends this request is shown what readiness reports."""
    return current().may(METRICS_READ)


def unauthorized(detail: str, *parameters: str) -> Problem:
    """401 (RFC 6750, section 3)."""
    challenge = " ".join(["Bearer", ", ".join(['realm="service"', *parameters])])
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def still_may(principal: Principal) -> None:
    """Raise Problem, 401, where a principal's token has ended while their request was under way."""
    try:
        is_current = principal.is_current()
    except TokensUnavailable:
        raise unavailable(_UNKNOWN) from None
    if not is_current:
        raise unauthorized("the token has ended", 'error="invalid_token"')


def forbidden(scope: str | None) -> Problem:
    """403 of a principal that lacks a scope; None: no scope suffices."""
    if scope is None:
        return Problem(HTTPStatus.FORBIDDEN, "nobody may do this")
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    headers = {"WWW-Authenticate": challenge}
    return Problem(HTTPStatus.FORBIDDEN, f"it takes the scope {scope}", headers=headers)


_UNKNOWN: Final = "who sends this cannot be found out at the moment"
_NOBODY: Final = Principal(None, frozenset())
