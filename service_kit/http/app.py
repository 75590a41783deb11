"""Flask application with problems, request lines, health and metrics, as every service has them."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from apiflask import APIFlask
from flask import request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from service_kit.concurrency import THREADS, Concurrency, Runner
from service_kit.http import (
    client_address,
    content_policy,
    health,
    host_header,
    problems,
    query_parameters,
    request_log,
    request_metrics,
)
from service_kit.http.blocking import Blocking, blocking_of
from service_kit.http.log_metrics import LostLines
from service_kit.metrics.registry import Metrics
from service_kit.settings.hosts import LOOPBACK, AllowedHosts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it; some have members of their own beside these."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str | None = None


class ServiceApp(APIFlask):
    """An application that owns what it was wired with, until `close`.

    Views may block (see `blocking`); what they take of a body MUST have been read before.
    """

    def __init__(
        self, *args: Any, reading: Runner, listing: Runner, changing: Runner, **options: Any
    ) -> None:
        """`reading`, `listing`, `changing`: what runs the views of GET, of these those that read
        much, and the views of other methods.
        """
        super().__init__(*args, **options)
        self._outermost: WSGIApplication = super().wsgi_app
        self._reading = reading
        self._listing = listing
        self._changing = changing
        self._resources = ExitStack()
        self.is_draining = False
        """Whether it is to be sent no more requests."""

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        """The answer to a request, as WSGI has it."""
        return self._outermost(environ, start_response)

    def wrap(self, middleware: Callable[["WSGIApplication"], "WSGIApplication"]) -> None:
        """Have a middleware around all that is there, so that it sees a request first."""
        self._outermost = middleware(self._outermost)

    def dispatch_request(self) -> ResponseReturnValue:
        """The answer of the request's view."""
        rule, answer = request.url_rule, super().dispatch_request
        if rule is None:
            return answer()
        blocking = blocking_of(self.view_functions[rule.endpoint])
        if blocking is Blocking.NEVER:
            return answer()
        if request.method not in _SAFE:
            return self._changing(answer)
        run = self._listing if blocking is Blocking.LONG else self._reading
        return run(answer)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none is asynchronous, and to find that out takes a while."""
        return func

    def _get_spec(self, spec_format: str | None = None, force_update: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the library has it
        """The OpenAPI document, with the service's address as this request's client has it.

        It is a path: the library would keep the host that its first client named, for all others.
        """
        spec: Any = super()._get_spec(spec_format, force_update)
        return {**spec, "servers": [{"url": request.script_root or "/"}]}

    def close_with(self, close: Callable[[], object]) -> None:
        """Have the application's `close` call this one, the last that was added first."""
        self._resources.callback(close)

    def close(self) -> None:
        """Close all that; a second time, do nothing. The application is not used afterwards."""
        self._resources.close()


def create(
    import_name: str,
    *,
    title: str,
    version: str,
    problem_for: dict[type[Exception], Callable[[Any], problems.Problem]],
    checks: Mapping[str, health.Check],
    reports: Mapping[str, health.Report] | None = None,
    metrics: Metrics | None = None,
    hosts: AllowedHosts = LOOPBACK,
    concurrency: Concurrency = THREADS,
    reads_at_once: int = 1,
    lists_at_once: int = 1,
    changes_at_once: int = 1,
    listing: Runner | None = None,
    shows_reports: Callable[[], bool] = lambda: True,
    trusted_proxies: str = "",
) -> ServiceApp:
    """An application that serves health, `/metrics` and `/openapi.json`, and nothing else yet.

    `problem_for` says which problem each domain exception is; `checks` decide readiness;
    `metrics` are shown together with those of its requests; `hosts`: the names it is called by;
    `concurrency`: of its requests, of which those that block run so many at once; `listing`: what
    runs those that read much, in place of that; `shows_reports`: see `health.blueprint`;
    `trusted_proxies`: networks of proxies that say who their client is.
    """
    app = ServiceApp(
        import_name,
        title=title,
        version=version,
        docs_path=None,
        json_errors=False,
        static_folder=None,
        reading=concurrency.runner(reads_at_once),
        listing=listing or concurrency.runner(lists_at_once),
        changing=concurrency.runner(changes_at_once),
    )
    app.config["VALIDATION_ERROR_DESCRIPTION"] = problems.INVALID_INPUT
    app.config["HTTP_ERROR_SCHEMA"] = ProblemDocument.model_json_schema()
    app.config["VALIDATION_ERROR_SCHEMA"] = ProblemDocument.model_json_schema()
    app.config["AUTO_SERVERS"] = False
    app.config["AUTO_404_RESPONSE"] = False
    app.config["AUTO_200_RESPONSE"] = False
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider, not its base
    # No redirect ever: it would lead to whatever host the client named.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    metrics = metrics or Metrics()
    lost_lines = LostLines(metrics)
    request_log.register(
        app,
        request_metrics.request_counter(metrics, lost_lines),
        client_address.networks(trusted_proxies),
    )
    problems.register(app, problem_for)
    host_header.register(app, hosts)
    query_parameters.register(app)
    content_policy.register(app)
    app.register_blueprint(
        health.blueprint(
            checks,
            reports or {},
            lambda: app.is_draining,
            concurrency.runner(1),
            shows_reports,
        )
    )
    app.register_blueprint(request_metrics.blueprint(metrics, lost_lines, concurrency.runner(1)))
    app.spec_processor(_problems_are_problem_documents)
    return app


def _problems_are_problem_documents(spec: Any) -> Any:
    """Every error response of the OpenAPI document has the problem media type."""
    for path in spec["paths"].values():
        for operation in path.values():
            for status, answer in operation.get("responses", {}).items():
                if status >= "400" and "application/json" in answer.get("content", {}):
                    answer["content"][problems.MEDIA_TYPE] = answer["content"].pop(
                        "application/json"
                    )
    return spec
