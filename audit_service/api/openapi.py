"""OpenAPI document of the routes that read, where types alone do not say it."""

from typing import Any, Final

from audit_service.api.events_query import LIMIT, MAX_LIMIT, MAX_WAIT
from audit_service.api.stats_query import AUTO, BUCKETS, Group
from audit_service.events import Tolerance
from audit_service.search.index.value_counts import ValueKind

UNAVAILABLE: Final = {503: "The log cannot be read at the moment"}

_PATTERN = (
    "exact; a trailing `*` is any end, a leading `!` negates, a `\\` escapes either. Repeated: one "
    "of the positive ones, and none of the negative ones"
)
_TEXT: Final = {"type": "string"}
_TRUTH: Final = {"type": "string", "enum": ["true", "false"]}


def _parameter(name: str, description: str, schema: Any = _TEXT) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _repeated(name: str, description: str) -> dict[str, Any]:
    return _parameter(name, description, {"type": "array", "items": _TEXT})


_OTHERS: Final = (
    "Beside the parameters below, `ext.NAME` is an attribute that has none of its own, as they are "
    "compared, and `data.PATH` a field of JSON data: `data.items[].sku=A1`, compared with the text "
    "of the scalar as it was written; a `\\` escapes `.` and `[` in a name."
)
_WRONG: Final = {422: "A parameter is not known, or its value cannot be", **UNAVAILABLE}

FILTERS: Final = [
    *(_repeated(name, f"The {name}: {_PATTERN}") for name in ("type", "source")),
    *(_repeated(name, f"The {name}, likewise") for name in ("subject", "id", "sender")),
    _parameter("since", "From then on: RFC 3339, or relative: `-15m`, `-2h`, `-7d`"),
    _parameter("until", "Before then, likewise"),
    _parameter(
        "by",
        "By which time: of arrival, or that of the event",
        {"type": "string", "enum": ["arrival", "time"], "default": "arrival"},
    ),
    _parameter("q", "Words, all of them, of attributes and of data, whatever their case"),
    _parameter("conflicts", "Whether another event had its source and id", _TRUTH),
    _parameter("transport", "What brought it", {"type": "string", "enum": ["http", "kafka"]}),
    _parameter(
        "tolerated",
        "A deviation that was let in with it",
        {"type": "string", "enum": [each.value for each in Tolerance]},
    ),
    _parameter(
        "filter",
        "A filter of the CloudEvents Subscriptions API, or an array of such, in JSON: "
        "`exact`, `prefix`, `suffix`, `all`, `any`, `not`; 4 KiB and 16 deep at most",
    ),
]
"""Parameters of filters, the same wherever events are asked for."""

LIST: Final[dict[str, Any]] = {
    "summary": "What arrived, newest first, and what of it matches",
    "description": _OTHERS,
    "tags": ["Events"],
    "responses": _WRONG,
    "extensions": {
        "parameters": [
            *FILTERS,
            _parameter(
                "order",
                "Of positions",
                {"type": "string", "enum": ["desc", "asc"], "default": "desc"},
            ),
            _parameter(
                "limit",
                "How many events at most",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
            ),
            _parameter("count", "Whether all that match are counted", _TRUTH),
            _parameter(
                "wait",
                "With `order=asc`: seconds to wait for an event where there is none; `next` is "
                "then always there, so that a poller misses none and sees none twice",
                {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
            ),
            _parameter("cursor", "`next` of the page before, of the same filters; opaque"),
        ]
    },
}

STATS: Final[dict[str, Any]] = {
    "summary": "How many events there are in each bucket of time",
    "description": _OTHERS,
    "tags": ["Statistics"],
    "responses": _WRONG,
    "extensions": {
        "parameters": [
            *FILTERS,
            _parameter(
                "bucket",
                "The length of a bucket; 500 at most, of which `auto` takes the shortest",
                {"type": "string", "enum": list(BUCKETS), "default": AUTO},
            ),
            _parameter(
                "group",
                "What they are told apart by",
                {"type": "string", "enum": [group.value for group in Group], "default": "none"},
            ),
        ]
    },
}

_LINES: Final = {"schema": {"type": "string"}}

EXPORT: Final[dict[str, Any]] = {
    "summary": "All events that match, in the order of their arrival",
    "description": "Up to the last one at its start, streamed, compressed where that is accepted; "
    "broken off where it cannot go on. `ndjson`: an event in the JSON event format in each line; "
    "`records`: with position, arrival, conflict, tolerance and origin; `csv`: for people, a cell "
    f"that a program would take for a formula begins with a `'`. {_OTHERS}",
    "tags": ["Events"],
    "responses": {
        200: {
            "description": "The events",
            "content": {"application/x-ndjson": _LINES, "text/csv": _LINES},
        },
        **_WRONG,
    },
    "extensions": {
        "parameters": [
            *FILTERS,
            _parameter(
                "format",
                "What it is written as",
                {"type": "string", "enum": ["ndjson", "csv", "records"], "default": "ndjson"},
            ),
        ]
    },
}

STREAM: Final[dict[str, Any]] = {
    "summary": "Events as they arrive, as server-sent events",
    "description": "`id` is the position, `data` the record in JSON. `Last-Event-ID`, or `after`, "
    "goes on after a position, with nothing missed and nothing twice; without either it begins "
    f"with what arrives next. A comment comes every 15 s. {_OTHERS}",
    "tags": ["Events"],
    "responses": {
        200: {"description": "The stream", "content": {"text/event-stream": _LINES}},
        422: _WRONG[422],
        503: "The log cannot be read, or there are too many streams",
    },
    "extensions": {
        "parameters": [
            *FILTERS,
            _parameter("after", "A position", {"type": "integer", "minimum": 0}),
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "A position; it wins over `after`",
                "schema": {"type": "string"},
            },
        ]
    },
}

VALUES: Final = {
    ValueKind.TYPE: "The types of the events in the log",
    ValueKind.SOURCE: "Their sources",
    ValueKind.EXTENSION: "The names of their extensions",
}
