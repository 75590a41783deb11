"""Refused requests, as people see them: a form that asks for a token, or a sentence."""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api.problems import PROBLEM_FOR
from audit_service.page.at_root import PAGE
from audit_service.page.layout import Layout
from audit_service.page.view import SESSION, query_of
from service_kit.http import problems
from service_kit.http.landing_page import prefers_html
from service_kit.http.problems import Problem


def register(routes: APIBlueprint, layout: Layout) -> None:
    """Have each problem of these routes be answered in HTML to those who prefer it."""

    def shown(problem: Problem) -> Response:
        if not prefers_html(request.accept_mimetypes):
            return problems.response(problem)
        asks = problem.status is HTTPStatus.UNAUTHORIZED
        answer = layout.html_without_log(
            "sign_in.html" if asks else "problem.html",
            problem.status,
            problem=problem,
            was_refused=request.args.get(SESSION) == "refused",
            wanted=_wanted(),
        )
        answer.headers.update(problem.headers)
        return answer

    routes.register_error_handler(Problem, shown)
    for exception, problem_of in PROBLEM_FOR.items():
        routes.register_error_handler(exception, lambda error, of=problem_of: shown(of(error)))


def _wanted() -> str:
    """What was asked for, as a browser asks for it, without what became of a form."""
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] != SESSION]
    return ("/" if request.path == PAGE else request.path) + query_of(pairs)
