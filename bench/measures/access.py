"""Access: what a token costs, `python -m bench.measures.access`.

Two audit services, one that asks nobody and one that asks for tokens, are sent single events in
turns, so that a drifting machine hurts both.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bench.contenders import servers
from bench.load import wrk
from bench.load.wrk import BINARY
from bench.machine.server_process import Running
from bench.machine.usage import seconds_of
from bench.machine.workspace import Workspace, a_workspace
from bench.measures.spread import Spread

NOBODY, TOKENS = "nobody is asked", "each needs a token"


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=15, help="How often each of them is measured.")
@click.option("--seconds", default=3.0, help="For each in each round.")
def main(*, rounds: int, seconds: float) -> None:
    """Print events a second, processor time an event, and the ratios of both."""
    rates: dict[str, list[float]] = {NOBODY: [], TOKENS: []}
    costs: dict[str, list[float]] = {NOBODY: [], TOKENS: []}
    with a_workspace() as workspace, _services(workspace) as services:
        for number in range(1, rounds + 1):
            for name, (running, token) in services.items():
                before = _processor_seconds(running)
                sample = wrk.send(running.url, BINARY, seconds, token)
                if sample.failed:
                    raise click.ClickException(f"{name}: {sample.failed} requests failed")
                rates[name].append(sample.rate)
                costs[name].append((_processor_seconds(running) - before) / sample.events * 1e6)
            shown = " and ".join(f"{found[-1]:,.0f}/s" for found in rates.values())
            click.echo(f"{number}: {shown}", err=True)
    for name, found in rates.items():
        rate, cost = Spread(tuple(found)), Spread(tuple(costs[name]))
        click.echo(f"{name}: {rate.text()} events/s, {cost.text()} µs of processor time an event")
    for what, each in (("rate", rates), ("processor time", costs)):
        ratio = Spread(tuple(each[TOKENS])).over(Spread(tuple(each[NOBODY])))
        click.echo(f"{what} with tokens, over that without: {ratio.text(digits=3)}")


@contextmanager
def _services(workspace: Workspace) -> Iterator[dict[str, tuple[Running, str]]]:
    """Each with the token that it asks for."""
    with (
        workspace.folder() as folder,
        servers.audit(workspace, index="none") as (nobody,),
    ):
        settings = {
            "AUDIT_SERVICE_DATABASE_URL": f"sqlite:///{folder}/events.db",
            "AUDIT_SERVICE_INDEX": "none",
            "AUDIT_SERVICE_AUTH": "tokens",
        }
        command = "audit-service run"
        with servers.our_server(workspace, command, "AUDIT_SERVICE_BIND", settings) as asking:
            words = (
                "tokens",
                "create",
                "bench",
                "--scope",
                "events:write",
                "--source",
                "github.com/",
            )
            token = subprocess.run(
                [str(servers.BIN / "audit-service"), *words],
                env={key: str(value) for key, value in settings.items()},
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            yield {NOBODY: (nobody, ""), TOKENS: (asking, token)}


def _processor_seconds(running: Running) -> float:
    return sum(map(seconds_of, running.workers()))


if __name__ == "__main__":
    main()
