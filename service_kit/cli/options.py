"""Options that several commands have."""

import re
from datetime import timedelta
from typing import Any, Final

import click

_DURATION = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Duration(click.ParamType[timedelta]):
    """A number of seconds, minutes, hours or days, as a timedelta."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail("must be seconds, minutes, hours or days: 90s, 30m, 24h, 90d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
