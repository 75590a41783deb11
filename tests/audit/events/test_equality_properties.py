"""Any event, in any mode: one digest, and unaltered by being stored and read."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_service.events import content_mode, digest, http_binding, kafka_binding
from tests.support.audit_client import Sink, event_text, open_sink
from tests.support.kafka_messages import LIMITS, message

Category = Literal["Cc", "Cs"]
SURROGATES: tuple[Category] = ("Cs",)
SAFE = "".join(c for c in map(chr, range(0x21, 0x7F)) if c not in '"%')
FAST = settings(max_examples=100, deadline=None, derandomize=True, database=None)
HTTP = settings(max_examples=60, deadline=None, derandomize=True, database=None)

texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs")).filter(
        lambda c: ord(c) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(c) <= 0xFDEF
    ),
    min_size=1,
    max_size=12,
)
extension_values = st.one_of(texts, st.just(""), st.booleans(), st.integers(-(2**31), 2**31 - 1))
extension_names = st.from_regex(r"x[a-z0-9]{1,19}", fullmatch=True)
times = st.from_regex(
    r"20[0-9]{2}-(0[1-9]|1[0-2])-[01][1-8][Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,12})?([Zz]|[+-]0[0-9]:[0-5][0-9])",
    fullmatch=True,
)
events = st.builds(
    lambda required, optional, extensions: {**extensions, **optional, **required},
    st.fixed_dictionaries(
        {
            "id": texts,
            "type": texts,
            "source": texts.map(lambda text: "/" + quote(text)),
            "specversion": st.just("1.0"),
        }
    ),
    st.fixed_dictionaries({}, optional={"subject": texts, "time": times}),
    st.dictionaries(extension_names, extension_values, max_size=4),
)
numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
)
strings = st.text(max_size=8).map(json.dumps) | st.text(
    st.characters(exclude_categories=SURROGATES), max_size=8
).map(lambda text: json.dumps(text, ensure_ascii=False))
json_texts = st.recursive(
    st.sampled_from(["null", "true", "false"]) | numbers | strings,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[ {' , '.join(items)} ]")
        | st.dictionaries(strings, inner, max_size=4).map(
            lambda members: (
                "{" + ",".join(f"{name}:{value}" for name, value in members.items()) + "}"
            )
        )
    ),
    max_leaves=12,
)


def headers_of(event: dict[str, Any]) -> dict[str, str]:
    return {f"ce-{name}": quote(canonical(value), safe=SAFE) for name, value in event.items()}


def canonical(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_member(event: dict[str, Any], name: str, source: str) -> str:
    return f'{json.dumps(event)[:-1]},"{name}":{source}}}'


def digest_of(headers: dict[str, str], content_type: str, body: bytes) -> object:
    (event,) = http_binding.read({**headers, "content-type": content_type}, body)
    return digest(event)


def kafka_digests_of(event: dict[str, Any], content_type: str, body: bytes, text: str) -> set[Any]:
    """The digests of the event as Kafka messages in the three modes."""
    typed = message(canonical_values(event), content_type, body)
    messages = (
        typed,
        message({}, content_mode.STRUCTURED, text.encode()),
        message({}, content_mode.BATCH, f"[{text}]".encode()),
    )
    return {digest(kafka_binding.read(*each, LIMITS)[0]) for each in messages}


def canonical_values(event: dict[str, Any]) -> dict[str, str]:
    return {name: canonical(value) for name, value in event.items()}


@FAST
@given(events, json_texts)
def test_json_data_has_one_digest_in_every_mode(event: dict[str, Any], data: str) -> None:
    text = with_member(event, "data", data)
    digests = {
        digest_of(headers_of(event), "application/json", data.encode()),
        digest_of({}, content_mode.STRUCTURED, text.encode()),
        digest_of({}, content_mode.BATCH, f"[{text}]".encode()),
        *kafka_digests_of(event, "application/json", data.encode(), text),
    }
    assert len(digests) == 1


@FAST
@given(events, st.binary(max_size=64))
def test_bytes_have_one_digest_in_every_mode(event: dict[str, Any], data: bytes) -> None:
    typed = {**event, "datacontenttype": "application/octet-stream"}
    text = json.dumps({**typed, "data_base64": base64.b64encode(data).decode()})
    digests = {
        digest_of(headers_of(event), "application/octet-stream", data),
        digest_of({}, content_mode.STRUCTURED, text.encode()),
        digest_of({}, content_mode.BATCH, f"[{text}]".encode()),
        *kafka_digests_of(event, "application/octet-stream", data, text),
    }
    assert len(digests) == 1


@FAST
@given(events, json_texts, st.randoms(use_true_random=False))
def test_order_and_spelling_of_json_make_no_difference(
    event: dict[str, Any], data: str, random: Any
) -> None:
    members = [f"{json.dumps(name)} :\t{json.dumps(value)}" for name, value in event.items()]
    members.append(f'"data":\n{data} ')
    random.shuffle(members)
    shuffled = "{" + " , ".join(members) + "}"
    plain = with_member(event, "data", data)
    assert digest_of({}, content_mode.STRUCTURED, shuffled.encode()) == digest_of(
        {}, content_mode.STRUCTURED, plain.encode()
    )


@FAST
@given(json_texts, json_texts)
def test_data_that_differs_has_another_digest(one: str, two: str) -> None:
    digests = {
        digest_of({}, content_mode.STRUCTURED, event_text(f'"data":{data}').encode())
        for data in (one, two)
    }
    assert (len(digests) == 1) == (value_of(one) == value_of(two))


def value_of(text: str) -> Any:
    """The value, its numbers as they are written, its members sorted, repeats included."""
    return json.loads(
        text,
        parse_int=lambda number: ("number", number),
        parse_float=lambda number: ("number", number),
        object_pairs_hook=lambda pairs: ("object", sorted(pairs, key=lambda pair: pair[0])),
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """One sink for all examples: each sends an event of its own and looks at the newest."""
    with open_sink(tmp_path_factory.mktemp("log")) as opened:
        yield opened


def newest(sink: Sink) -> tuple[dict[str, Any], str]:
    answer = sink.client.get("/v1/events?limit=1")
    assert answer.json is not None
    return answer.json["items"][0]["event"], answer.text


@HTTP
@given(event=events, data=json_texts)
def test_a_structured_event_is_unaltered(shared: Sink, event: dict[str, Any], data: str) -> None:
    event = {**event, "id": f"{event['id']}{uuid.uuid4()}"}
    answer = shared.structured(with_member(event, "data", data))
    assert answer.status_code == 204, answer.text
    stored, text = newest(shared)
    stored.pop("data")
    assert stored == event
    assert {k: type(v) for k, v in stored.items()} == {k: type(v) for k, v in event.items()}
    assert f'"data":{data}}}' in text


@HTTP
@given(event=events, body=st.binary(min_size=1, max_size=64))
def test_a_binary_event_is_unaltered(shared: Sink, event: dict[str, Any], body: bytes) -> None:
    event = {**event, "id": f"{event['id']}{uuid.uuid4()}"}
    answer = shared.post(body, "application/octet-stream", headers_of(event))
    assert answer.status_code == 204, answer.text
    stored, _ = newest(shared)
    assert base64.b64decode(stored.pop("data_base64")) == body
    assert stored.pop("datacontenttype") == "application/octet-stream"
    assert stored == canonical_values(event)


@HTTP
@given(event=events, body=st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_what_was_shown_is_the_same_event_when_sent_again(
    shared: Sink, event: dict[str, Any], body: str
) -> None:
    event = {**event, "id": f"{event['id']}{uuid.uuid4()}"}
    shared.post(body.encode(), "text/plain; charset=utf-8", headers_of(event))
    stored, _ = newest(shared)
    position = newest_position(shared)
    assert shared.structured(stored).status_code == 204
    assert newest_position(shared) == position


def newest_position(sink: Sink) -> int:
    answer = sink.client.get("/v1/events?limit=1")
    assert answer.json is not None
    position: int = answer.json["items"][0]["position"]
    return position
