"""Rejected messages: `/v1/rejected`, as the command line has them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from audit_service.api.event_record import KafkaOrigin
from audit_service.api.openapi import UNAVAILABLE
from audit_service.api.rejected_actions import MAX_ID, RejectedActions
from audit_service.rejected import RejectedStore, RejectionSummary
from audit_service.rejected.document import as_document, time_text
from service_kit.http import cursors
from service_kit.http.blocking import never_blocks, reads_much
from service_kit.http.no_content import no_content
from service_kit.http.query_parameters import WholeNumber

FIRST_PAGE = 2**62


def _cursor(text: str) -> int:
    number = cursors.decode(text)
    if not (number.isascii() and number.isdigit() and len(number) < len(str(MAX_ID))):
        raise ValueError("is no cursor that a page gave")
    return int(number)


class RejectedQuery(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    limit: WholeNumber = Field(default=100, ge=1, le=1000)
    cursor: Annotated[int | None, BeforeValidator(_cursor)] = None


class Rejected(BaseModel):
    """A message that was refused."""

    id: int
    received_at: datetime
    kafka: KafkaOrigin | None
    bytes: int = Field(description="Of its headers, key and value")
    reason: str
    sender: str | None


class RejectedPage(BaseModel):
    """Messages, the newest first."""

    items: list[Rejected]
    next: str | None


class RejectedWhole(BaseModel):
    """A message whole; bytes as text where they are UTF-8, else as `{"base64": …}`."""

    id: int
    received_at: datetime
    kafka: KafkaOrigin | None
    headers: list[dict[str, Any]]
    key: str | dict[str, str] | None
    value: str | dict[str, str] | None
    digest: str
    reason: str
    sender: str | None


class Redriven(BaseModel):
    """What became of a message that was read again."""

    stored: int = Field(description="Its events: they are on disk")


_MISSING = {404: "There is none", **UNAVAILABLE}


def blueprint(actions: RejectedActions) -> APIBlueprint:
    """The routes."""
    routes = APIBlueprint("rejected", __name__, url_prefix="/v1/rejected")

    @routes.get("")
    @routes.input(RejectedQuery, location="query", arg_name="query")
    @routes.output(RejectedPage, description="A page")
    @routes.doc(summary="Messages that were refused", tags=["Rejected"], responses=UNAVAILABLE)
    @reads_much
    def list_rejected(query: RejectedQuery) -> Response:
        page, following = summaries(actions.store, query)
        return jsonify(items=[_summary(each) for each in page], next=following)

    @routes.get("/<int:number>")
    @routes.output(RejectedWhole, description="The message")
    @routes.doc(summary="A message that was refused, whole", tags=["Rejected"], responses=_MISSING)
    @reads_much
    def show(number: int) -> Response:
        return jsonify(as_document(actions.existing(number)))

    @routes.post("/<int:number>/redrive")
    @routes.output(Redriven, description="It is stored, and no longer here")
    @routes.doc(
        summary="Read it again, and store its events",
        tags=["Rejected"],
        responses={409: "It is still refused: the reason", **_MISSING},
    )
    @never_blocks
    def redrive_one(number: int) -> Response:
        return jsonify(stored=actions.redrive(number))

    @routes.delete("/<int:number>")
    @routes.output({}, status_code=204, description="It is gone for good")
    @routes.doc(summary="Forget it", tags=["Rejected"], responses=_MISSING)
    @never_blocks
    def drop(number: int) -> Response:
        actions.drop(number)
        return no_content()

    return routes


def summaries(
    store: RejectedStore, query: RejectedQuery
) -> tuple[Sequence[RejectionSummary], str | None]:
    """A page of what is asked for, and the cursor of the next."""
    found = store.summaries(query.cursor or FIRST_PAGE, query.limit + 1)
    page = found[: query.limit]
    return page, cursors.encode(str(page[-1].id)) if len(found) > query.limit else None


def _summary(found: RejectionSummary) -> dict[str, Any]:
    origin = found.origin
    return {
        "id": found.id,
        "received_at": time_text(found.received_at),
        "kafka": origin
        and {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset},
        "bytes": found.size,
        "reason": found.reason,
        "sender": found.sender,
    }
