"""Refused requests, as people see them: a form that asks for a token, or a sentence."""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api.problems import PROBLEM_FOR
from audit_service.page.frame import Frame
from service_kit.http.problems import Problem


def register(routes: APIBlueprint, frame: Frame) -> None:
    """Have each problem of these routes be answered in HTML."""

    def shown(problem: Problem) -> Response:
        asks = problem.status is HTTPStatus.UNAUTHORIZED
        template = "sign_in.html" if asks else "problem.html"
        response = frame.html(
            template,
            problem.status,
            problem=problem,
            was_refused=request.args.get("session") == "refused",
        )
        response.headers.update(problem.headers)
        return response

    routes.register_error_handler(Problem, shown)
    for exception, problem_of in PROBLEM_FOR.items():
        routes.register_error_handler(exception, lambda error, of=problem_of: shown(of(error)))
