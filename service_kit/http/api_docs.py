"""Documentation of the API: `/docs`, the OpenAPI document in Swagger UI, all of it served here."""

from importlib.resources import files
from typing import Final

from apiflask import APIBlueprint
from flask import Response, render_template

from service_kit.concurrency import Runner
from service_kit.http import content_policy
from service_kit.http.app import ServiceApp
from service_kit.http.assets import Assets, in_package
from service_kit.http.blocking import never_blocks

_SWAGGER_UI: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")


def register(app: ServiceApp, run: Runner) -> None:
    """Have the application serve it; `run` compresses files."""
    swagger_ui = files("flask_swagger_ui").joinpath("dist")
    contents = {name: swagger_ui.joinpath(name).read_bytes() for name in _SWAGGER_UI}
    scripts = in_package("service_kit.http", "scripts")
    assets = Assets("api_docs_assets", "/docs/assets", {**contents, **scripts})
    app.register_blueprint(assets.blueprint(run))
    app.register_blueprint(_page(app.title, assets))


def _page(title: str, assets: Assets) -> APIBlueprint:
    routes = APIBlueprint("api_docs", __name__, template_folder="templates", enable_openapi=False)

    @routes.get("/docs")
    @never_blocks
    def show() -> Response:
        return content_policy.html(render_template("api_docs.html", title=title, assets=assets))

    return routes
