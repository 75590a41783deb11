"""Audit service whose page is looked at, and those who send to it meanwhile."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode

import requests

from tests.support.processes import Service, fresh_id
from tests.support.waiting import wait_until

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
A_SECOND: Final = 200
_IN_A_BATCH: Final = 10

HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202egpj.exe\u200b"
"""A text that does harm wherever it is taken for something else than text."""
ANSI: Final = "\x1b[31mred\x1b[2J"
"""Codes of terminals, which data may have."""


class Events:
    """Events of one source, which no other test has."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.source = f"/tests/{fresh_id()}"
        self.url = url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def page(self, **parameters: str) -> str:
        """The URL of the page with these events alone. `parameters`: others of the view."""
        return f"{self.url}/?{urlencode({'source': self.source, **parameters})}"

    def send(self, **members: Any) -> int:
        """The position of one event; `members`: others than the required ones, which may differ."""
        return self.send_all([members])[0]

    def send_all(self, each: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """The positions of many events, in one request."""
        events = [self._event(**members) for members in each]
        self.send_text(json.dumps(events), BATCH)
        return self.positions()[-len(events) :]

    def send_text(self, body: str, content_type: str) -> None:
        """Send the very text of one event, or of a batch."""
        answer = self._post(body.encode(), content_type)
        assert answer.status_code == 204, answer.text

    def text(self, *members: str) -> str:
        """An event whose further members are JSON text themselves, for `send_text`."""
        required = json.dumps(self._event()).removesuffix("}")
        return f"{', '.join([required, *members])}}}"

    def refuse(self, body: str | None = None) -> int:
        """The number under which a message is kept that is no event, which none was before."""
        before = self._newest_rejection()
        text = f'{{"id": "{fresh_id()}"' if body is None else body
        assert self._post(text.encode(), STRUCTURED).status_code == 400
        wait_until(lambda: self._newest_rejection() > before)
        return self._newest_rejection()

    def positions(self) -> Sequence[int]:
        """Of those that are stored, the oldest first; at most the last thousand."""
        return [item["position"] for item in self.records()[::-1]]

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Those that are stored, the newest first; at most a thousand."""
        found = self._get("/v1/events", source=self.source, limit="1000")["items"]
        return [{**item, "position": int(item["position"])} for item in found]

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """200 events of type `arriving` a second, until the end of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._go_on, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _go_on(self, stop: threading.Event) -> None:
        due = time.monotonic()
        with requests.Session() as session:
            while not stop.wait(max(0.0, due - time.monotonic())):
                due += _IN_A_BATCH / A_SECOND
                events = [self._event(type="arriving") for _ in range(_IN_A_BATCH)]
                self._post(json.dumps(events).encode(), BATCH, session)

    def _event(self, **members: Any) -> dict[str, Any]:
        required = {"specversion": "1.0", "id": fresh_id(), "source": self.source, "type": "seen"}
        return {**required, **members}

    def _post(
        self, body: bytes, content_type: str, session: requests.Session | None = None
    ) -> requests.Response:
        headers = {**self._headers, "Content-Type": content_type}
        return (session or requests).post(self.url, data=body, headers=headers, timeout=30)

    def _newest_rejection(self) -> int:
        items = self._get("/v1/rejected", limit="1")["items"]
        return int(items[0]["id"]) if items else 0

    def _get(self, path: str, **parameters: str) -> Any:
        answer = requests.get(self.url + path, params=parameters, headers=self._headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


def make_token(service: Service, name: str, *scopes: str) -> str:
    """The text of a new token, once a service of one worker knows it."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    token = service.run_command("tokens", "create", name, *words).strip()
    headers = {"Authorization": f"Bearer {token}"}
    wait_until(lambda: requests.get(f"{service.url}/v1/types", headers=headers).status_code != 401)
    return token
