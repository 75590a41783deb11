"""Views of rejected messages: the list, each whole, and the forms that redrive and drop it."""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api.rejected import RejectedQuery, summaries
from audit_service.api.rejected_actions import RejectedActions
from audit_service.page.hex_dump import hex_dump
from audit_service.page.layout import Layout
from audit_service.page.views import redirect_to
from audit_service.page.visible import short
from audit_service.rejected import StoredRejection
from service_kit.clock import from_microseconds, rfc3339
from service_kit.http.blocking import never_blocks, reads_much
from service_kit.http.problems import Problem

MOST_CHARACTERS = 64 * 1024


def blueprint(actions: RejectedActions, layout: Layout) -> APIBlueprint:
    """The routes, which no program needs."""
    routes = APIBlueprint("rejected_page", __name__, enable_openapi=False, url_prefix="/rejected")

    @routes.get("")
    @routes.input(RejectedQuery, location="query", arg_name="query")
    @reads_much
    def rejected(query: RejectedQuery) -> Response:
        page, following = summaries(actions.store, query)
        return layout.html("rejected.html", messages=page, following=following, time=_time)

    @routes.get("/<int:number>")
    @reads_much
    def rejection(number: int) -> Response:
        return _whole(layout, actions.existing(number))

    @routes.post("/<int:number>/redrive")
    @never_blocks
    def redrive(number: int) -> Response:
        try:
            actions.redrive(number)
        except Problem as problem:
            if problem.status is not HTTPStatus.CONFLICT:
                raise
            still = problem
            return actions.run(lambda: _whole(layout, actions.existing(number), still))
        return redirect_to(f"{request.script_root}/rejected")

    @routes.post("/<int:number>/drop")
    @never_blocks
    def drop(number: int) -> Response:
        actions.drop(number)
        return redirect_to(f"{request.script_root}/rejected")

    return routes


def _whole(layout: Layout, found: StoredRejection, problem: Problem | None = None) -> Response:
    message = found.message
    return layout.html(
        "rejection.html",
        HTTPStatus.OK if problem is None else problem.status,
        found=found,
        message=message,
        problem=problem,
        headers=[(name, _text(value)) for name, value in message.headers],
        key=_text(message.key),
        value=_text(message.value),
        time=_time,
    )


def _text(value: bytes | None) -> str:
    """As text where it is UTF-8, else in hexadecimal."""
    try:
        return short((value or b"").decode(), MOST_CHARACTERS)
    except UnicodeDecodeError:
        return hex_dump(value or b"")


def _time(microseconds: int) -> str:
    return rfc3339(from_microseconds(microseconds))
