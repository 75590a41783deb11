"""Mutations: requests of every kind, spoilt at random, and all from one seed."""

import json
import random
from collections.abc import Callable
from typing import Any

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"

_ODD_VALUES = (
    *("null", "true", "-0", "1e999", "-1", "0.10", "9" * 400, "9" * 5000, "NaN", "Infinity"),
    *('""', '"\\ud800"', '"\\u0000"', '"' + "x" * 70_000 + '"', '"é"', "[]", "{}", "[[[]]]"),
    *('{"a":1,"a":2}', '{"":{"":{}}}', '"\x00"', '"%C0%A0"', "'x'", "// x", "\ufeff1", ""),
)
_ODD_HEADERS = (
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding:"),
    *("Content-Length: 0", "Content-Length: 5, 5", "Content-Encoding: gzip", "Content-Type:"),
    *(
        "Content-Type: application/cloudevents+json; charset=utf-16",
        "Content-Type: a/b" + "; ;" * 99,
    ),
    *(
        "Expect: 100-continue",
        "Expect: x",
        "Upgrade: h2c",
        "Connection: upgrade",
        "Host: ",
        "Host: a b",
    ),
    *("ce-id: again", "ce-: x", "ce-a_b: x", "ce-time: 2026-99-99T00:00:00Z", "ce-x: %", 'ce-x: "'),
    *("ce-specversion: 9", "ce-data: x", "ce-x: \x01", "ce-x: \xff\xfe", "ce-x: " + "y" * 70_000),
    *("If-Match: *", 'If-Match: W/"', "Idempotency-Key: ", "Idempotency-Key: " + "k" * 300),
    *("traceparent: 00-x", "X-Forwarded-Proto: javascript", "SCRIPT_NAME: /x", "no header", " : "),
    *("Range: bytes=0-", "Accept: x", "Cookie: a=b; c", "Authorization: Basic \xe9", "\tfolded"),
)
_METHODS = (
    *("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post"),
    "P\x00",
)
_TARGETS = (
    *(
        "//",
        "/%00",
        "/%ff",
        "*",
        "http://other/",
        "/v1//user",
        "/v1/user/../..",
        "/v1/events/9" * 9,
    ),
    *(
        "/v1/user/%",
        "/v1/user/0",
        "/v1/events/-1",
        "/v1/events/99999999999999999999",
        "/v1/events?cursor=%ff",
    ),
    *(
        "/v1/events?limit=1e3",
        "/v1/user?name=%00",
        "/v1/user?a&a&a",
        "/" + "x" * 9000,
        "/metrics",
        "/?" + "a&" * 4000,
    ),
    *("/v1/user/6a0e1a1e-0000-4000-8000-000000000000", "/openapi.json", "x", ""),
)


class Request:
    """A request in the pieces that mutations spoil."""

    def __init__(self, target: str, headers: list[str], body: bytes, method: str = "POST") -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.length: str | None = str(len(body))
        self.wire: bytes | None = None

    def bytes(self) -> bytes:
        """What goes over the wire."""
        if self.wire is not None:
            return self.wire
        length = [] if self.length is None else [f"Content-Length: {self.length}"]
        lines = [f"{self.method} {self.target} HTTP/1.1", *self.headers, *length]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


def event_of(event_id: str) -> dict[str, Any]:
    """A structured event."""
    data = {"id": event_id, "list": [1, 2.5, None, "x"], "object": {"a": {"b": True}}}
    required = {"specversion": "1.0", "id": event_id, "source": "/mutations", "type": "t"}
    return {**required, "subject": "x", "datacontenttype": JSON, "data": data}


def binary(event_id: str) -> Request:
    """An event in binary mode."""
    event = event_of(event_id)
    names = ("specversion", "id", "source", "type", "subject")
    headers = [f"ce-{name}: {event[name]}" for name in names]
    body = json.dumps(event["data"]).encode()
    return Request("/", ["Host: localhost", f"Content-Type: {JSON}", *headers], body)


def structured(event_id: str) -> Request:
    """An event in structured mode."""
    body = json.dumps(event_of(event_id)).encode()
    return Request("/", ["Host: localhost", f"Content-Type: {STRUCTURED}"], body)


def batch(*event_ids: str) -> Request:
    """A batch."""
    body = json.dumps([event_of(event_id) for event_id in event_ids]).encode()
    return Request("/", ["Host: localhost", f"Content-Type: {BATCH}"], body)


def batch_of_five(name: str) -> Request:
    """A batch of events whose ids begin so."""
    return batch(*(f"{name}-{number}" for number in range(5)))


def user(name: str) -> Request:
    """A creation of a user, which may be repeated."""
    body = json.dumps({"name": name, "password": "12345"}).encode()
    headers = ["Host: localhost", f"Content-Type: {JSON}", f"Idempotency-Key: {name}"]
    return Request("/v1/user", headers, body)


def flip_bits(request: Request, dice: random.Random) -> None:
    """Some bits of it are others."""
    wire = bytearray(request.bytes())
    for _ in range(dice.randint(1, 8)):
        wire[dice.randrange(len(wire))] ^= 1 << dice.randrange(8)
    request.wire = bytes(wire)


def cut(request: Request, dice: random.Random) -> None:
    """It ends early."""
    wire = request.bytes()
    request.wire = wire[: dice.randint(1, len(wire))]


def insert(request: Request, dice: random.Random) -> None:
    """Bytes that are not of it are in it."""
    wire = request.bytes()
    at = dice.randrange(len(wire))
    request.wire = wire[:at] + dice.randbytes(dice.choice([1, 2, 30, 3000])) + wire[at:]


def spoil_length(request: Request, dice: random.Random) -> None:
    """Its length is another, or none."""
    length = len(request.body)
    wrong = (
        "0",
        "-1",
        str(length + 1),
        str(max(0, length - 1)),
        "9" * 30,
        "x",
        "+5",
        "0x5",
        " ",
        "5 5",
    )
    request.length = dice.choice([None, *wrong])


def spoil_chunks(request: Request, dice: random.Random) -> None:
    """It comes in chunks, of which one may be broken."""
    request.headers.append("Transfer-Encoding: chunked")
    request.length = None
    at = dice.randrange(len(request.body) + 1)
    sizes = [b"%x" % at, b"%x" % (len(request.body) - at), b"0"]
    sizes[dice.randrange(3)] = dice.choice(
        [
            sizes[0],
            b"-1",
            b"",
            b"x",
            b"0x5",
            b"f" * 20,
            b"5;a=b",
            b"5;=",
            b"5 ;\r",
            b"1_0",
            b"7" * 9000,
        ]
    )
    end = dice.choice(
        [b"\r\n", b"a: b\r\n\r\n", b"", b"no trailer\r\n\r\n", b"Content-Length: 5\r\n\r\n"]
    )
    parts = [request.body[:at], request.body[at:]]
    chunks = [b"%b\r\n%b\r\n" % (size, part) for size, part in zip(sizes, parts, strict=False)]
    request.body = b"".join(chunks) + sizes[2] + b"\r\n" + end


def spoil_headers(request: Request, dice: random.Random) -> None:
    """Odd headers are in it, or one of its own is not."""
    if dice.random() < 0.3:
        del request.headers[dice.randrange(len(request.headers))]
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(request.headers) + 1)
        request.headers.insert(at, dice.choice(_ODD_HEADERS))
    if dice.random() < 0.05:
        request.headers += [f"ce-a{n}: {n}" for n in range(2000)]


def spoil_target(request: Request, dice: random.Random) -> None:
    """It is another method, or another path."""
    if dice.random() < 0.5:
        request.method = dice.choice(_METHODS)
    if dice.random() < 0.7:
        request.target = dice.choice(_TARGETS)


def nest(request: Request, dice: random.Random) -> None:
    """Its JSON is deep, or wide."""
    size = dice.choice([10, 300, 990, 5000, 100_000])
    deep = (b"[" * size + b"]" * size, b'{"a":' * size + b"1" + b"}" * size, b"[" * size)
    wide = (b"[" + b"{}," * size + b"{}]", b'{"a":[' * (size // 2), b"[" + b"0," * size + b"0]")
    value = dice.choice([*deep, *wide])
    wrapped = dice.choice([b"%b", b"[%b]", b'{"name":%b}', b'{"id":%b}'])
    request.body = (
        request.body.replace(b"2.5", value, 1) if dice.random() < 0.6 else wrapped % value
    )
    request.length = str(len(request.body))


def spoil_values(request: Request, dice: random.Random) -> None:
    """Values of its JSON, or names, are odd."""
    for _ in range(dice.randint(1, 3)):
        words = request.body.split(b'"')
        at = dice.randrange(len(words))
        odd = dice.choice(_ODD_VALUES).encode(errors="surrogatepass")
        words[at] = dice.choice([odd, odd[1:-1], words[at] + odd, b"", dice.randbytes(3)])
        request.body = b'"'.join(words)
    request.length = str(len(request.body))


MUTATIONS: tuple[Callable[[Request, random.Random], None], ...] = (
    *(spoil_length, spoil_chunks, spoil_headers, spoil_target, nest, spoil_values),
    *(flip_bits, cut, insert),
)
"""Those of the pieces first, those of the wire last."""


def mutant(seed: str) -> tuple[str, bytes]:
    """The service that it is for, `audit` or `users`, and the request: always the same ones."""
    dice = random.Random(seed)
    event_id = f"mutant {seed}".replace(" ", "-")
    make = dice.choice([binary, structured, batch_of_five, user])
    request = make(event_id)
    for mutation in sorted(
        dice.choices(MUTATIONS, k=dice.choice([1, 1, 2, 3])), key=MUTATIONS.index
    ):
        mutation(request, dice)
    wire = request.bytes()
    if dice.random() < 0.1:
        # Pipelined: what is left of the one is read as the beginning of the next.
        wire += binary(f"{event_id}-next").bytes()
    return "users" if make is user else "audit", wire
