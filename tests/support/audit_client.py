"""Client of an audit service in this process: sends and reads over HTTP, and nothing else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from audit_service import Stores, app_on, create_app
from audit_service.access.token_store import open_tokens
from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.evidence.tree_store import open_tree
from audit_service.log import Heading, Page, Receipt, Record, Salts
from audit_service.log.backend import Also, Drain
from audit_service.rejected import open_rejected
from audit_service.settings import Settings
from service_kit.disk_reserve import DiskReserve

REQUIRED: Mapping[str, str] = {"id": "1", "source": "/s", "specversion": "1.0", "type": "t"}
PROBLEM = "application/problem+json"


class Sink:
    """`binary`, `structured` and `batch` send; `accepted` and `rejected` say what became of it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()

    def post(
        self, body: bytes, content_type: str | None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        given = dict(headers or {})
        return self.client.post("/", data=body, content_type=content_type, headers=given)

    def binary(
        self,
        attributes: Mapping[str, str | None] | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """`attributes`: header values beside the required ones; None takes one away."""
        given = {**REQUIRED, **(attributes or {})}
        ce = {f"ce-{name}": value for name, value in given.items() if value is not None}
        return self.post(body, content_type, ce | dict(headers or {}))

    def structured(
        self,
        event: Mapping[str, Any] | str | bytes,
        content_type: str = STRUCTURED,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """`event`: its members beside the required ones, or the very text of the body."""
        return self.post(_encoded(event), content_type, headers)

    def batch(
        self, events: Sequence[Mapping[str, Any]] | str, content_type: str = BATCH
    ) -> TestResponse:
        texts = events if isinstance(events, str) else f"[{','.join(map(_text, events))}]"
        return self.post(texts.encode(), content_type)

    def pages(self, asked: str) -> Iterator[TestResponse]:
        """Each page of a query, by following `next`; on a busy machine one may be short."""
        cursor: str | None = ""
        while cursor is not None:
            answer = self.client.get(f"/v1/events?{asked}{cursor and f'&cursor={cursor}'}")
            assert answer.status_code == 200, answer.text
            assert answer.content_type == "application/json"
            yield answer
            cursor = json.loads(answer.text)["next"]

    def stored(self) -> list[dict[str, Any]]:
        """Every event in the JSON format, the oldest first."""
        return [shown["event"] for shown in self.shown()]

    def shown(self) -> list[dict[str, Any]]:
        """Every event with its position and the like, the oldest first."""
        items: list[dict[str, Any]] = json.loads(self.stored_text())["items"]
        return items[::-1]

    def stored_text(self) -> str:
        """The page of all events, its text as it came."""
        answer = self.client.get("/v1/events?limit=1000")
        assert answer.status_code == 200, answer.text
        return answer.text

    def accepted(self, answer: TestResponse) -> dict[str, Any]:
        """The one event that is stored, after an answer that acknowledges it."""
        assert answer.status_code == 204, answer.text
        (event,) = self.stored()
        return event

    def rejected(self, answer: TestResponse) -> str | None:
        """The attribute at fault, after an answer that refuses the event; nothing is stored."""
        assert answer.status_code == 400, answer.text
        assert answer.content_type == PROBLEM
        assert answer.json is not None
        assert isinstance(answer.json["rule"], str)
        assert self.stored() == []
        attribute: str | None = answer.json.get("attribute")
        return attribute


@contextmanager
def open_sink(folder: Path, **settings: Any) -> Iterator[Sink]:
    """A sink on a new log in the folder."""
    usual = {"database_url": f"sqlite:///{folder}/events.db"}
    app = create_app(Settings(**{**usual, **settings}))
    try:
        yield Sink(app)
    finally:
        app.close()


class FailingBackend:
    """A backend that raises the fault whatever it is asked; one that is only closed does not."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        drain()
        raise self._fault

    def newest(self, before: int | None, limit: int, max_bytes: int) -> Page:
        raise self._fault

    def oldest(self, after: int | None, limit: int, max_bytes: int) -> Page:
        raise self._fault

    def at(self, positions: Sequence[int], max_bytes: int) -> Page:
        raise self._fault

    def get(self, position: int) -> Record | None:
        raise self._fault

    def heading(self, position: int) -> Heading | None:
        raise self._fault

    def add_salts(self, salts: Mapping[int, Salts]) -> None:
        raise self._fault

    def last(self) -> int:
        raise self._fault

    def size(self) -> int:
        raise self._fault

    def ping(self) -> None:
        raise self._fault

    def close(self) -> None:
        pass


def failing_sink(fault: Exception) -> Sink:
    """A sink whose log raises the fault."""
    disk = DiskReserve(None, size=0)
    rejected = open_rejected("sqlite:///absent")
    tokens, tree = open_tokens("sqlite:///absent"), open_tree("sqlite:///absent")
    stores = Stores(FailingBackend(fault), rejected, tokens, tree)
    return Sink(app_on(stores, Settings(), disk))


def _encoded(event: Mapping[str, Any] | str | bytes) -> bytes:
    return event if isinstance(event, bytes) else _text(event).encode()


def _text(event: Mapping[str, Any] | str) -> str:
    return event if isinstance(event, str) else json.dumps({**REQUIRED, **event})


def event_text(*members: str) -> str:
    """A JSON event of the required attributes and of members that are JSON text themselves."""
    required = [f'"{name}":"{value}"' for name, value in REQUIRED.items()]
    return "{" + ",".join([*required, *members]) + "}"
