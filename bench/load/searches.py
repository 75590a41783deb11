"""Searches: events like those of a shop's services, and what people ask of them."""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import orjson

from audit_service.events import Event, JsonText

TYPES: Final = tuple(
    f"{what}.{done}"
    for what in ("com.example.order", "com.example.user")
    for done in ("created", "updated", "deleted", "paid", "shipped", "refunded")
)
SOURCES: Final = tuple(f"https://shop-{number}.example.com" for number in range(20))
FIRST: Final = ("Ozzy", "Tony", "Geezer", "Bill", "Ronnie", "Cozy", "Ian", "Vinny")
LAST: Final = ("Osbourne", "Iommi", "Butler", "Ward", "Dio", "Powell", "Gillan", "Appice")
EVENTS_OF_A_SUBJECT: Final = 5


def events(count: int, seed: int = 1) -> Iterator[Event]:
    """Events with nine terms each, beside the time: subjects are UUIDs with a few events each."""
    choose = random.Random(seed)
    subjects: list[str] = []
    for number in range(count):
        if number % EVENTS_OF_A_SUBJECT == 0:
            subjects.append(_uuid(choose))
        subject = subjects[max(0, len(subjects) - 1 - int(choose.expovariate(0.01)))]
        name = f"{choose.choice(FIRST)} {choose.choice(LAST)}"
        yield Event(
            {
                "specversion": "1.0",
                "id": _uuid(choose),
                "source": choose.choice(SOURCES),
                "type": choose.choice(TYPES),
                "subject": subject,
                "time": f"2026-11-{1 + number % 28:02}T{number % 24:02}:00:00.{number % 10**6:06}Z",
                "datacontenttype": "application/json",
                "subjectversion": str(choose.randint(1, 9)),
            },
            JsonText(orjson.dumps({"id": subject, "name": name})),
        )


@dataclass(frozen=True)
class Question:
    """A question, made anew of an event of the log each time. `most`: milliseconds of its p99 that
    are let pass, at a million events.
    """

    name: str
    path: Callable[[Mapping[str, str]], str]
    most: float


def _search(*names: str, **others: str) -> Callable[[Mapping[str, str]], str]:
    def path(event: Mapping[str, str]) -> str:
        filters = {name: event[name.rpartition(".")[2]] for name in names}
        return f"/v1/events?{urlencode(filters | others)}"

    return path


QUESTIONS: Final = (
    Question("`type=`", _search("type"), 30),
    Question("`source=`", _search("source"), 30),
    Question("`subject=`", _search("subject"), 30),
    Question("`id=`", _search("id"), 30),
    Question("`id=` of none", lambda _: f"/v1/events?id={uuid.uuid4()}", 30),
    Question("`data.id=`", lambda event: f"/v1/events?data.id={event['subject']}", 30),
    Question("`data.name=`", _search("data.name"), 30),
    Question("`type=com.example.order.*`", _search(type="com.example.order.*"), 30),
    Question(
        "`subject=` of six digits and `*`", lambda e: f"/v1/events?subject={e['subject'][:6]}*", 30
    ),
    Question("`q=`, a rare word", lambda event: f"/v1/events?q={event['id'][:8]}", 50),
    Question(
        "`q=`, two frequent words",
        lambda event: f"/v1/events?q={event['name'].replace(' ', '+')}",
        50,
    ),
    Question("`type=`, `source=`, `data.name=`", _search("type", "source", "data.name"), 150),
    Question("`count=` of a type", _search("type", count="true", limit="1"), 150),
    Question(
        "`count=` of a word",
        lambda e: f"/v1/events?limit=1&count=true&q={e['name'].split()[0]}",
        150,
    ),
    Question("`/v1/stats`", lambda _: "/v1/stats", 150),
    Question("`/v1/stats?group=type`", lambda _: "/v1/stats?group=type", 150),
    Question("`/v1/types`", lambda _: "/v1/types", 150),
)


def _uuid(choose: random.Random) -> str:
    return str(uuid.UUID(int=choose.getrandbits(128), version=4))
