"""Landing page: `GET /` says what this is and where to go on, to programs in JSON, to browsers as
a page.
"""

from collections.abc import Sequence
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, jsonify, render_template, request, url_for
from pydantic import BaseModel, Field
from werkzeug.datastructures import MIMEAccept

from service_kit.http import content_policy
from service_kit.http.blocking import never_blocks

_JSON: Final = "application/json"
_HTML: Final = "text/html"
_ENDPOINTS: Final = {
    "openapi": "openapi.spec",
    "docs": "api_docs.show",
    "livez": "health.livez",
    "readyz": "health.readyz",
    "metrics": "metrics.show",
}
DOCUMENTATION: Final = (
    *("README.md", "docs/architecture.md", "docs/cli.md", "docs/evidence.md", "docs/glossary.md"),
    *("docs/interoperability.md", "docs/operations.md", "docs/performance.md", "docs/security.md"),
)


class ServiceLinks(BaseModel):
    """References to what the service has, relative to the landing page."""

    openapi: str = Field(examples=["/openapi.json"])
    docs: str = Field(description="The same to read and to try", examples=["/docs"])
    livez: str = Field(examples=["/livez"])
    readyz: str = Field(examples=["/readyz"])
    metrics: str = Field(examples=["/metrics"])


class LandingPage(BaseModel):
    """What this is, and where to go on."""

    name: str
    version: str
    description: str
    links: ServiceLinks
    documentation: Sequence[str] = Field(description="Files in the repository of the service")


_ANSWERS: Final[dict[int | str, Any]] = {
    200: {
        "description": "What this is; a page where `Accept` prefers `text/html`",
        "content": {_HTML: {"schema": {"type": "string"}}},
    }
}


def blueprint(name: str, version: str, description: str) -> APIBlueprint:
    """The route."""
    routes = APIBlueprint("landing_page", __name__, template_folder="templates")

    def page() -> dict[str, Any]:
        links = {each: url_for(endpoint) for each, endpoint in _ENDPOINTS.items()}
        return {
            "name": name,
            "version": version,
            "description": description,
            "links": links,
            "documentation": DOCUMENTATION,
        }

    def list_of_links() -> Response:
        return content_policy.html(render_template("landing_page.html", page=page()))

    # OPTIONS may have a meaning of its own.
    @routes.get("/", provide_automatic_options=False)
    @routes.output(LandingPage)
    @routes.doc(summary="What is this?", responses=_ANSWERS)
    @never_blocks
    def show() -> Response:
        is_browser = prefers_html(request.accept_mimetypes)
        answer = list_of_links() if is_browser else jsonify(page())
        answer.vary.add("Accept")
        return answer

    return routes


def prefers_html(accept: MIMEAccept) -> bool:
    """Whether a browser asks; who takes either, or says nothing, is none."""
    return accept.best_match([_JSON, _HTML], _JSON) == _HTML
