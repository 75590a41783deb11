"""Principal: who sends a request, and what they may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request

from service_kit.http import request_log

ADMIN: Final = "admin"
"""The scope that has all others."""

_PRINCIPAL: Final = "service_kit.principal"


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Principal:
    """`name`: None for anyone, where access is not controlled.

    `bounds`: prefixes of what they may write of, none where it may be anything; `is_current`:
    whether they still may, for what takes long; it may raise TokensUnavailable.
    """

    name: str | None
    scopes: frozenset[str]
    bounds: tuple[str, ...] = ()
    is_current: Callable[[], bool] = field(default=_always, compare=False)

    def may(self, scope: str) -> bool:
        """Whether they have the scope."""
        return scope in self.scopes or ADMIN in self.scopes

    def may_write_of(self, subject: str) -> bool:
        """Whether it is within their bounds."""
        return not self.bounds or subject.startswith(self.bounds)


ANYONE: Final = Principal(None, frozenset({ADMIN}))


def current() -> Principal:
    """The principal of this request."""
    return principal_of(request.environ)


def principal_of(environ: Mapping[str, Any]) -> Principal:
    """The principal of a request, which was judged."""
    found: Principal = environ[_PRINCIPAL]
    return found


def set_principal(environ: dict[str, Any], principal: Principal) -> None:
    """Have the request be of that principal."""
    environ[_PRINCIPAL] = principal
    environ[request_log.PRINCIPAL] = principal.name
