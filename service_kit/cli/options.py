"""Options that several commands have."""

from datetime import timedelta
from typing import Any

import click

from service_kit.clock import duration_of

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Duration(click.ParamType[timedelta]):
    """A number of seconds, minutes, hours or days, as a timedelta."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        found = duration_of(value)
        if found is None:
            self.fail("must be seconds, minutes, hours or days: 90s, 30m, 24h, 90d", param, ctx)
        return found
