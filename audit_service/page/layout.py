"""Layout of every view: what all of them show, and the answer that a template makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, render_template, request

from audit_service.access.scopes import Scope
from audit_service.page.visible import visible
from service_kit.access.principal import current
from service_kit.http.assets import Assets
from service_kit.http.content_policy import html


@dataclass(frozen=True, slots=True)
class Layout:
    """What views need to answer. `status`: of the log, as `GET /v1/status` has it."""

    assets: Assets
    status: Callable[[], Mapping[str, Any]]
    is_controlled: bool

    def html(
        self, template: str, status: HTTPStatus = HTTPStatus.OK, /, **values: object
    ) -> Response:
        """The answer of a template. Raises LogUnavailable."""
        log_status = self.status() if current().may(Scope.EVENTS_READ) else None
        return self.html_without_log(template, status, status=log_status, **values)

    def html_without_log(
        self, template: str, status: HTTPStatus = HTTPStatus.OK, /, **values: object
    ) -> Response:
        """The same without the status of the log, which may be what cannot be read."""
        principal = current()
        common = {
            "home": self.home(),
            "root": request.script_root,
            "own_url": request.url_root,
            "asset": self.assets.url,
            "scripts": sorted(path for path in self.assets.paths if path.endswith(".js")),
            "visible": visible,
            "is_controlled": self.is_controlled,
            "principal": principal.name,
            "may_export": principal.may(Scope.EVENTS_EXPORT),
            "may_manage": principal.may(Scope.REJECTED_MANAGE),
        }
        answer = html(render_template(template, **common, **values), status)
        # At the root others get something else.
        answer.vary.add("Accept")
        return answer

    @staticmethod
    def home() -> str:
        """The path of the list."""
        return f"{request.script_root}/"
