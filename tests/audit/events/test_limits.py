"""Limits of what a message may hold are the same for every mode, by which it is read in memory."""

import base64
import json
import tracemalloc

import pytest

from audit_service.events import BatchRejected, Rule, TooManyValues, http_binding, kafka_binding
from audit_service.events.content_mode import BATCH, STRUCTURED
from audit_service.events.limits import Limits
from tests.support.audit_client import REQUIRED, event_text

LIMITS = Limits(event_bytes=1000, batch_bytes=100_000, batch_events=50, json_values=300)
BINARY = {f"ce-{name}": value for name, value in REQUIRED.items()}
MANY = "[" + "0," * 300 + "0]"
FEW = "[" + "0," * 250 + "0]"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def messages(data: str) -> dict[str, tuple[dict[str, str], str]]:
    """The data in every way in which it is JSON."""
    event = event_text(f'"data":{data}')
    return {
        "binary": ({**BINARY, "content-type": "application/json"}, data),
        "binary without a media type": (BINARY, data),
        "structured": ({"content-type": STRUCTURED}, event),
        "structured, with space": ({"content-type": STRUCTURED}, event_text(f'"data": {data}')),
        "Base64": ({"content-type": STRUCTURED}, event_text(f'"data_base64":"{encoded(data)}"')),
        "batch": ({"content-type": BATCH}, f"[{event}]"),
    }


@pytest.mark.parametrize("mode", messages(""))
def test_json_of_too_many_values_is_refused(mode: str) -> None:
    headers, body = messages(MANY)[mode]
    with pytest.raises(TooManyValues):
        http_binding.read(headers, body.encode(), LIMITS)
    headers, body = messages(FEW)[mode]
    assert len(http_binding.read(headers, body.encode(), LIMITS)) == 1


@pytest.mark.parametrize("mode", [STRUCTURED, BATCH])
def test_json_of_too_many_values_is_refused_from_kafka(mode: str) -> None:
    event = event_text(f'"data":{MANY}')
    text = event if mode == STRUCTURED else f"[{event}]"
    with pytest.raises(TooManyValues):
        kafka_binding.read([("content-type", mode.encode())], text.encode(), LIMITS)


def test_text_may_have_any_number_of_commas() -> None:
    headers = {**BINARY, "content-type": "text/csv"}
    assert http_binding.read(headers, b"[" + b"0," * 1000, LIMITS)[0].data is not None
    assert http_binding.read(BINARY, b"0," * 1000, LIMITS)[0].data is not None
    text = event_text('"data":"' + ",[{" * 200 + '"')
    assert len(http_binding.read({"content-type": STRUCTURED}, text.encode(), LIMITS)) == 1


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("character", ["x", "é"])
def test_an_event_of_a_batch_is_no_longer_than_one_by_itself(space: str, character: str) -> None:
    def event(length: int) -> str:
        text = event_text(f'"data":{space}"%s"')
        return text.replace("%s", character * ((length - len(text) + 2) // len(character.encode())))

    fits, longer = event(999), event(1002)
    assert len(fits.encode()) <= 1000 < len(longer.encode())
    batch = {"content-type": BATCH}
    assert len(http_binding.read(batch, f"[{fits},{fits}]".encode(), LIMITS)) == 2
    with pytest.raises(BatchRejected) as caught:
        http_binding.read(batch, f"[{fits},{longer},{fits}]".encode(), LIMITS)
    assert {index: error.code for index, error in caught.value.items.items()} == {1: Rule.SIZE}


@pytest.mark.parametrize("data", ["[ " + "0," * 5_000_000 + "0]", "[" + "{}," * 3_000_000 + "{}]"])
def test_values_are_counted_before_they_are_built(data: str) -> None:
    headers, body = messages(data)["batch"]
    text = body.encode()
    tracemalloc.start()
    with pytest.raises(TooManyValues):
        http_binding.read(headers, text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.1 * len(text)


def test_items_that_are_read_one_by_one_are_not_in_memory_at_once() -> None:
    event = json.dumps({**REQUIRED, "data": [0] * 20_000}, separators=(",", ":"))
    text = f"[ {','.join([event] * 10)}]".encode()
    tracemalloc.start()
    http_binding.read({"content-type": BATCH}, text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 256 * 40_000 + 6 * len(text)
