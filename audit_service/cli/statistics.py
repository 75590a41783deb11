"""Commands `audit-service stats | types | sources | extensions`, over the HTTP API."""

import json
from typing import Any, Final

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.cli.filter_options import Filters, filter_options
from service_kit.cli.options import as_json
from service_kit.cli.remote import url_option
from service_kit.cli.terminal import bar, console, plain_text, table

OTHERS: Final = "(others)"


@click.command()
@filter_options
@click.option(
    "--bucket",
    type=click.Choice(["auto", "second", "minute", "hour", "day"]),
    default="auto",
    show_default=True,
    help="The length of a bucket.",
)
@click.option(
    "--group",
    type=click.Choice(["none", "type", "source"]),
    default="none",
    show_default=True,
    help="What they are told apart by.",
)
@as_json
@url_option
def stats(filters: Filters, *, bucket: str, group: str, as_json: bool) -> None:
    """How many events there are in each bucket of time."""
    asked = [*filters, ("bucket", bucket), ("group", group)]
    found = AuditRemote().get("/v1/stats", asked)
    if as_json:
        for item in found["items"]:
            click.echo(json.dumps(item, ensure_ascii=False))
        return
    items = [item for item in found["items"] if item["count"] or group == "none"]
    most = max((item["count"] for item in items), default=0)
    shown = table(
        ("start", *([] if group == "none" else [group]), "count", ""), {"start": 19, "count": 5}
    )
    for item in items:
        value = [] if group == "none" else [plain_text(item["value"] or OTHERS)]
        start = item["start"][:19].replace("T", " ")
        shown.add_row(start, *value, str(item["count"]), bar(item["count"], most))
    console().print(shown)
    _warn(found)


def _value_command(name: str, what: str) -> click.Command:
    @click.command(name, help=f"The {what} that there are, the most frequent first.")
    @as_json
    @url_option
    def command(*, as_json: bool) -> None:
        found = AuditRemote().get(f"/v1/{name}")
        if as_json:
            for item in found["items"]:
                click.echo(json.dumps(item, ensure_ascii=False))
            return
        shown = table((name, "count", "first seen", "last seen"), {"count": 5})
        for item in found["items"]:
            seen = (item[each][:19].replace("T", " ") for each in ("first_seen", "last_seen"))
            shown.add_row(plain_text(item["value"]), str(item["count"]), *seen)
        console().print(shown)
        _warn(found)

    return command


def _warn(found: dict[str, Any]) -> None:
    if not found["complete"]:
        click.echo("audit-service: there may be more; to count took too long", err=True)


COMMANDS: Final = (
    stats,
    _value_command("types", "types"),
    _value_command("sources", "sources"),
    _value_command("extensions", "names of extensions"),
)
