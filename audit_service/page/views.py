"""Views of the log: the list of events, with one of them beside it, and one event alone."""

from collections.abc import Callable
from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, request

from audit_service.api.existing_event import existing_event
from audit_service.log import Record
from audit_service.page import view as views
from audit_service.page.detail import Detail, as_curl, detail
from audit_service.page.layout import Layout
from audit_service.page.rows import row
from audit_service.page.view import View
from audit_service.search import Budget, Found, Order, Search
from service_kit.clock import now_in_microseconds
from service_kit.http.blocking import reads_much
from service_kit.http.query_parameters import repeatable

PERIODS = (("15 min", "-15m"), ("1 h", "-1h"), ("24 h", "-24h"), ("7 days", "-7d"))
IsSigned = Callable[[int], bool]
_BUDGET = Budget(seconds=1.0, page_bytes=4 * 1024 * 1024)


def blueprint(search: Search, is_signed: IsSigned, layout: Layout) -> APIBlueprint:
    """The two routes, which no program needs."""
    routes = APIBlueprint("page", __name__, enable_openapi=False, template_folder="templates")

    @routes.get("/events")
    @reads_much
    @repeatable
    def events() -> Response:
        error = None
        try:
            if (query := views.searched(request.args)) is not None:
                # Of the page, whatever else the client calls this host.
                return redirect_to(layout.home() + query)
        except ValueError as wrong:
            error = ("search", str(wrong))
        view = views.read(request.args, now_in_microseconds())
        errors = [*view.errors, *([error] if error else [])]
        found = _found(search, view)
        record = None if view.show is None else existing_event(search.log, view.show)
        return layout.html(
            "events.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            view=view,
            links=view.links,
            errors=errors,
            rows=[row(each, view.columns) for each in found.records],
            older=_older(view, found),
            periods=PERIODS,
            is_empty=not search.log.last(),
            **_shown(search, is_signed, record),
        )

    @routes.get("/events/<int:position>")
    @reads_much
    @repeatable
    def event(position: int) -> Response:
        view = views.read(request.args, now_in_microseconds())
        record = existing_event(search.log, position)
        return layout.html("event.html", links=view.links, **_shown(search, is_signed, record))

    return routes


def redirect_to(path: str) -> Response:
    """303 to a path of this service."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})


def _found(search: Search, view: View) -> Found:
    asked = view.asked
    if asked is None:
        return Found((), 0, more=False)
    return search.find(
        asked.expression, Order.DESCENDING, asked.start, limit=asked.limit, budget=_BUDGET
    )


def _older(view: View, found: Found) -> str | None:
    """The URL of the next page."""
    if view.asked is None or not found.more:
        return None
    return view.links.set("cursor", view.asked.cursor_at(found.scanned_to))


def _shown(
    search: Search, is_signed: IsSigned, record: Record | None
) -> dict[str, Detail | str | bool | None]:
    """What the templates show of an event."""
    if record is None:
        return {"detail": None}
    found = detail(search, record)
    curl = None if found.json is None else as_curl(request.url_root, found.json)
    return {"detail": found, "curl": curl, "is_signed": is_signed(record.position)}
