"""Options of filters, the same for every command that takes them, as parameters of the query."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, TypeVar, cast

import click

from audit_service.events import Tolerance
from audit_service.search import moments

F = TypeVar("F", bound=Callable[..., Any])
Filters = tuple[tuple[str, str], ...]

EXAMPLE: Final = "for example: --type 'order.*' --type '!order.test' --since -2h"
_PATTERN: Final = "exact; `order.*` a prefix, `!order.paid` none such."


class _Pair(click.Option):
    """An option of pairs, whose names become `PREFIX.NAME`."""

    def __init__(self, *args: Any, prefix: str, **options: Any) -> None:
        self._prefix = prefix
        super().__init__(*args, callback=self._pairs, **options)

    def _pairs(
        self, _context: click.Context, _parameter: click.Parameter, value: Sequence[str]
    ) -> Filters:
        """Each NAME=VALUE as a name and a value."""
        found = []
        for text in value:
            name, equals, rest = text.partition("=")
            if not name or not equals:
                raise click.BadParameter(f"must be NAME=VALUE; {EXAMPLE}")
            found.append((f"{self._prefix}.{name}", rest))
        return tuple(found)


_OPTIONS: Final = [
    click.option("--type", multiple=True, help=f"The type, {_PATTERN}"),
    click.option("--source", multiple=True, help="The source, likewise."),
    click.option("--subject", multiple=True, help="The subject, likewise."),
    click.option("--id", multiple=True, help="The id, likewise."),
    click.option("--sender", multiple=True, help="The name of who sent it, likewise."),
    click.option(
        "--ext",
        cls=_Pair,
        prefix="ext",
        multiple=True,
        metavar="NAME=VALUE",
        help="An extension, likewise.",
    ),
    click.option(
        "--data",
        cls=_Pair,
        prefix="data",
        multiple=True,
        metavar="PATH=VALUE",
        help="A field of JSON data: user.id=42, items[].sku=A1.",
    ),
    click.option("--q", "-q", help="Words, all of them, of attributes and data."),
    click.option("--since", help="From then on: RFC 3339, or -15m, -2h, -7d."),
    click.option("--until", help="Before then, likewise."),
    click.option("--by", type=click.Choice(["arrival", "time"]), help="By which time."),
    click.option("--conflicts/--no-conflicts", default=None, help="Another has its source and id."),
    click.option("--transport", type=click.Choice(["http", "kafka"]), help="What brought it."),
    click.option(
        "--tolerated",
        type=click.Choice([each.value for each in Tolerance]),
        help="A deviation that was let in with it.",
    ),
    click.option("--filter", help="A filter of the CloudEvents Subscriptions API, in JSON."),
]
_TIMES: Final = frozenset({"since", "until"})
_MANY: Final = ("type", "source", "subject", "id", "sender")
_ONE: Final = ("q", "since", "until", "by", "transport", "tolerated", "filter")


def filter_options(command: F) -> F:
    """Give the command the options; it is called with `filters`."""

    @wraps(command)
    def with_filters(*args: Any, **options: Any) -> Any:
        return command(*args, filters=_taken(options), **options)

    decorated = cast("F", with_filters)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def with_absolute_times(filters: Filters, now: int) -> Filters:
    """The same, where a time is not relative. `now`: microseconds since 1970."""
    return tuple(
        (name, _absolute(value, now) if name in _TIMES else value) for name, value in filters
    )


def _absolute(text: str, now: int) -> str:
    try:
        return moments.absolute(text, now)
    except ValueError:
        return text  # The service says what is wrong with it.


def _taken(options: dict[str, Any]) -> Filters:
    """The filters, taken out of the options."""
    found = [(name, value) for name in _MANY for value in options.pop(name)]
    found += [pair for name in ("ext", "data") for pair in options.pop(name)]
    found += [(name, value) for name in _ONE if (value := options.pop(name)) is not None]
    conflicts = options.pop("conflicts")
    if conflicts is not None:
        found.append(("conflicts", "true" if conflicts else "false"))
    return tuple(found)
