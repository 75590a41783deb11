"""Random events: few values, so that filters match some of them; data of every shape."""

import random
from typing import Any

import orjson

from audit_service.events import Event, JsonText
from tests.support.log_processes import event

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
VALUES = ["a", "ab", "abc", "b", "B", "Straße", "1", "1.0", "true", "x y", "a-b_c"]
VALUES += [UUID, UUID[:18], UUID[:20]]
EXTRAS: list[str | int | bool] = [*VALUES, 1, True]
NAMES = ["k", "l"]


def random_value(choose: random.Random, depth: int = 3) -> Any:
    kind = choose.random()
    if depth and kind < 0.3:
        return {
            name: random_value(choose, depth - 1)
            for name in choose.sample(NAMES, choose.randint(0, 2))
        }
    if depth and kind < 0.5:
        return [random_value(choose, depth - 1) for _ in range(choose.randint(0, 3))]
    return choose.choice([*VALUES, 1, 1.0, True, None])


def random_event(choose: random.Random) -> Event:
    attributes: dict[str, str | int | bool] = {"type": choose.choice(VALUES)}
    if choose.random() < 0.7:
        attributes["subject"] = choose.choice(VALUES)
    if choose.random() < 0.5:
        attributes["extra"] = choose.choice(EXTRAS)
    text = orjson.dumps(random_value(choose))
    # A space, so that some of it is read on the longer way.
    data = None if choose.random() < 0.2 else JsonText(text + b" " * choose.randint(0, 1))
    return event(choose.choice(VALUES), data, **attributes)
