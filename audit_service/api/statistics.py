"""Statistics: `GET /v1/stats`, and what there is: `/v1/types`, `/v1/sources`, `/v1/extensions`."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel, Field

from audit_service.api import stats_query
from audit_service.api.openapi import STATS, UNAVAILABLE, VALUES
from audit_service.search import Budget, InvalidFilters, Search
from audit_service.search.buckets import MOST_BUCKETS, TooManyBuckets
from audit_service.search.histogram import histogram
from audit_service.search.index.value_counts import ValueKind
from audit_service.search.values import values
from service_kit.clock import from_microseconds, now_in_microseconds, rfc3339
from service_kit.http.blocking import reads_much
from service_kit.http.query_parameters import repeatable

MICROSECONDS = 1_000_000


class BucketCount(BaseModel):
    """Events of a bucket of time with a value."""

    start: datetime
    value: str | None = Field(description="Null: all values that are not among the ten largest")
    count: int


class Statistics(BaseModel):
    """Counts of every bucket and every one of the ten largest values, zeros included."""

    bucket: str
    items: list[BucketCount]
    complete: bool = Field(description="False: there may be more; to count took too long")


class ValueSeen(BaseModel):
    """A value that is in the log."""

    value: str
    count: int
    first_seen: datetime = Field(description="When its first event arrived")
    last_seen: datetime


class ValuesPage(BaseModel):
    """Values, the most frequent first."""

    items: list[ValueSeen]
    complete: bool = Field(description="False: there may be others, or more of these")


_KINDS = {"types": ValueKind.TYPE, "sources": ValueKind.SOURCE, "extensions": ValueKind.EXTENSION}


def blueprint(search: Search) -> APIBlueprint:
    """The four routes."""
    routes = APIBlueprint("statistics", __name__, url_prefix="/v1")
    budget = Budget()

    @routes.get("/stats")
    @routes.output(Statistics, description="The counts")
    @routes.doc(**STATS)
    @reads_much
    @repeatable
    def stats() -> Response:
        asked = stats_query.read(request.args, now_in_microseconds())
        try:
            found = histogram(search, asked, budget)
        except TooManyBuckets:
            rule = f"makes more than {MOST_BUCKETS} buckets: take longer ones, or less time"
            raise InvalidFilters({"bucket": rule}) from None
        items = [
            {"start": _second(start), "value": value, "count": number}
            for (start, value), number in found.counts.items()
        ]
        return jsonify(bucket=found.bucket, items=items, complete=found.is_complete)

    def value_route(name: str, kind: ValueKind) -> None:
        @routes.get(f"/{name}", endpoint=name)
        @routes.output(ValuesPage, description="The values")
        @routes.doc(
            summary=VALUES[kind],
            tags=["Statistics"],
            responses={422: "No parameter", **UNAVAILABLE},
        )
        @reads_much
        def list_values() -> Response:
            found = values(search, kind, budget)
            items = [
                {
                    "value": each.name,
                    "count": each.count,
                    "first_seen": _time(each.first_seen),
                    "last_seen": _time(each.last_seen),
                }
                for each in found.items
            ]
            return jsonify(items=items, complete=found.is_complete)

    for name, kind in _KINDS.items():
        value_route(name, kind)
    return routes


def _time(microseconds: int) -> str:
    return rfc3339(from_microseconds(microseconds))


def _second(seconds: int) -> Any:
    return _time(seconds * MICROSECONDS)
