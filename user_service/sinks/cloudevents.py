"""CloudEvents for changes of users: described, and in the JSON format."""

import re
from typing import Any, cast

import uuid_utils
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from user_service.users.domain import ChangeKind, UserChange

__all__ = ["FORMAT", "CloudEvent", "describe", "deserialise", "serialise"]

FORMAT = JSONFormat()

# W3C Trace Context, version 00; the Distributed Tracing extension carries it unchanged.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def describe(
    change: UserChange, source: str, traceparent: str | None = None, principal: str | None = None
) -> CloudEvent:
    """A new event for `change`: names of fields at most, never their values.

    `subject` and `partitionkey` are the user's id; `subjectversion` is the version that the
    user has after it, so that a reader can see a gap and restore the order. `principal`: who made
    the change, for the Auth Context extension, where it is known.
    """
    user = change.user
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid_utils.uuid7()),
        "source": source,
        "type": change.kind.value,
        "time": change.at,
        "datacontenttype": "application/json",
        "subject": user.id,
        "partitionkey": user.id,
        "subjectversion": user.version,
    }
    if traceparent is not None and _TRACEPARENT.fullmatch(traceparent):
        attributes["traceparent"] = traceparent
    if principal is not None:
        attributes |= {"authtype": "api_key", "authid": principal}
    return CloudEvent(attributes, _data(change))


def serialise(event: CloudEvent) -> bytes:
    """The event in the JSON format: what is kept of it until it is delivered."""
    return FORMAT.write(event)


def deserialise(serialised: bytes) -> CloudEvent:
    """The event again: sent once more, it has the same bytes."""
    return cast("CloudEvent", FORMAT.read(CloudEvent, serialised))


def _data(change: UserChange) -> dict[str, Any]:
    data: dict[str, Any] = {"id": change.user.id}
    if change.kind is ChangeKind.UPDATED:
        data["changed"] = list(change.changed)
    return data
