"""Shop: events of its services as people know them, for a picture of the page."""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from audit_service.events import Event, JsonText
from service_kit.clock import from_microseconds, rfc3339

USERS: Final = "github.com/eminetto/post-cloudevents"
STEPS: Final = (
    ("order.created", "/shop/checkout"),
    ("payment.authorised", "/shop/payments"),
    ("order.paid", "/shop/checkout"),
    ("parcel.packed", "/warehouse/porto"),
    ("parcel.shipped", "/warehouse/porto"),
    ("parcel.delivered", "urn:example:carrier"),
)
"""What becomes of an order, and who says so."""
ITEMS: Final = ("Paranoid, LP", "Heaven and Hell, LP", "Sabotage, CD", "Master of Reality, LP")
NAMES: Final = ("Ozzy Osbourne", "Tony Iommi", "Geezer Butler", "Bill Ward", "Ronnie James Dio")
UNDER_WAY: Final = 40
USERS_SHARE: Final = 0.12
SENT_AGAIN: Final = 12
"""How many events before the last one an id comes a second time, with another amount."""
_DELAY: Final = 40_000
"""Microseconds from an event to its arrival, about."""


@dataclass(frozen=True)
class Order:
    """An order, and how many of its steps were made."""

    number: int
    data: Mapping[str, Any]
    steps: int = 0


def events(moments: Sequence[int], seed: int = 1) -> Iterator[Event]:
    """An event for each of the moments at which they arrive, in microseconds since 1970."""
    choose = random.Random(seed)
    orders: list[Order] = []
    payment: Event | None = None
    for number, moment in enumerate(moments):
        if payment is not None and number >= len(moments) - SENT_AGAIN:
            yield _with_other_amount(payment)
            payment = None
        elif choose.random() < USERS_SHARE:
            yield _of_user(choose, moment)
        else:
            if len(orders) < UNDER_WAY:
                orders.append(_order(choose, number))
            index = choose.randrange(len(orders))
            event = _of_order(choose, orders[index], moment)
            orders[index] = replace(orders[index], steps=orders[index].steps + 1)
            if orders[index].steps == len(STEPS):
                del orders[index]
            if event.source == "/shop/payments" and number < len(moments) - SENT_AGAIN:
                payment = event
            yield event


def _order(choose: random.Random, number: int) -> Order:
    items: list[dict[str, Any]] = [
        {
            "name": name,
            "count": choose.randint(1, 2),
            "price": choose.randrange(900, 3500, 50) / 100,
        }
        for name in choose.sample(ITEMS, choose.randint(1, 3))
    ]
    amount = round(sum(item["count"] * item["price"] for item in items), 2)
    customer = {"name": choose.choice(NAMES), "country": choose.choice(("PT", "DE", "BR"))}
    data = {"customer": customer, "items": items, "amount": amount, "currency": "EUR"}
    return Order(10_000 + number, data)


def _of_order(choose: random.Random, order: Order, moment: int) -> Event:
    subject = f"order-{order.number}"
    data = {"order": order.number, **order.data}
    return _event(choose, moment, STEPS[order.steps], subject, version=order.steps + 1, data=data)


def _of_user(choose: random.Random, moment: int) -> Event:
    user = _uuid(choose)
    return _event(choose, moment, ("user.storeUser", USERS), user, version=1, data={"id": user})


def _with_other_amount(event: Event) -> Event:
    data = orjson.loads(bytes(event.data or b""))
    return replace(event, data=JsonText(orjson.dumps({**data, "amount": data["amount"] + 5})))


def _event(
    choose: random.Random,
    moment: int,
    step: tuple[str, str],
    subject: str,
    *,
    version: int,
    data: Mapping[str, Any],
) -> Event:
    time = from_microseconds(moment - choose.randrange(_DELAY))
    return Event(
        {
            "specversion": "1.0",
            "id": _uuid(choose),
            "source": step[1],
            "type": step[0],
            "subject": subject,
            "time": rfc3339(time),
            "datacontenttype": "application/json",
            "subjectversion": str(version),
        },
        JsonText(orjson.dumps(data)),
    )


def _uuid(choose: random.Random) -> str:
    return str(uuid.UUID(int=choose.getrandbits(128), version=4))
