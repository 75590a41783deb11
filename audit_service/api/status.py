"""Status of the log: `GET /v1/status`."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import BaseModel, Field

from audit_service.api.openapi import UNAVAILABLE
from audit_service.log import Backend
from audit_service.search.index.status import IndexStatus
from service_kit.clock import now_in_microseconds

MINUTE = 60 * 1_000_000


class IndexState(BaseModel):
    """How far the index came."""

    usable: bool = Field(description="False: queries scan the log")
    position: int
    lag: int = Field(description="Events that are not in it yet; queries find them by a scan")
    bytes: int


class Status(BaseModel):
    """What there is."""

    version: str
    events: int
    bytes: int = Field(description="Of the log on the disk")
    last_minute: int = Field(description="Events that arrived in the last minute")
    index: IndexState


def blueprint(log: Backend, index: IndexStatus, version: str) -> APIBlueprint:
    """The route."""
    routes = APIBlueprint("status", __name__, url_prefix="/v1")

    @routes.get("/status")
    @routes.output(Status, description="The status")
    @routes.doc(summary="Size and speed of the log", tags=["Statistics"], responses=UNAVAILABLE)
    def status() -> Response:
        return jsonify(report(log, index, version))

    return routes


def report(log: Backend, index: IndexStatus, version: str) -> dict[str, Any]:
    """The Status as it is now. Raises LogUnavailable."""
    last = log.last()
    return {
        "version": version,
        "events": last,
        "bytes": log.size(),
        "last_minute": last - last_before(log, last, now_in_microseconds() - MINUTE),
        "index": index.report(),
    }


def last_before(log: Backend, last: int, moment: int) -> int:
    """The last position up to `last` that arrived before a moment, by halving.

    Where the clock jumped it is one of several.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        heading = log.heading(middle)
        if heading is None or heading.received_at < moment:
            low = middle
        else:
            high = middle - 1
    return low
