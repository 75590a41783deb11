"""Slow clients: whether requests are answered beside them, and what they take of memory."""

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import requests
import uuid_utils

from bench.contenders import servers
from bench.load import probes, slow_clients
from bench.load.beside import beside
from bench.load.probes import Probe, Waits
from bench.load.slow_clients import Attack
from bench.machine.server_process import Running
from bench.machine.usage import memory_of
from bench.machine.workspace import Workspace
from bench.measures.rounds import Broken, Budget, Progress

PROBES_A_SECOND = 20
USERS = 1000
PAGE_EVENTS = 8
# After each row: that often in a row a probe is answered so soon, or so many seconds are over.
SETTLED = (3, 50.0)
SETTLE_SECONDS = 60.0
LOOKS_A_SECOND = 100

_EVENT = (
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "ce-specversion: 1.0\r\nce-id: {id}\r\nce-source: /probe\r\nce-type: t\r\n"
    "Connection: close\r\nContent-Length: 8\r\n\r\n"
    '{{"a": 1}}'
)


@dataclass(frozen=True)
class Row:
    """Probes of a service beside an attack; `opened`: its connections, of all that it made anew;
    `grown`: MB of memory, of all processes of the service, from before it to the end of the probes.
    """

    service: str
    attack: Attack
    opened: int
    waits: Waits
    grown: float


@dataclass(frozen=True)
class _Target:
    """A service, the probe of it, and the paths of a change and of a large page."""

    server: Running
    probe: Probe
    change: str
    page: str


def measure(
    workspace: Workspace, share: float, seconds: float, budget: Budget, progress: Progress
) -> Sequence[Row]:
    """Every attack on either service, with that share of its connections, for so many seconds."""
    progress("slow clients")
    rows = []
    with servers.users(workspace, cheapest_hashing=True) as (users, audit):
        targets = [_audit(audit), _users(users, math.ceil(share * USERS))]
        for attack in slow_clients.ATTACKS.values():
            for target in targets:
                row = _measured(target, attack, share, seconds)
                rows.append(row)
                what = f"{row.service}, {attack.name}"
                progress(f"{what}: {row.opened:,} opened, p99 {row.waits.p99:,.1f} ms")
                if budget.strict and row.waits.unanswered:
                    raise Broken(f"{what}: {row.waits.unanswered} probes were not answered")
                _settle(target.probe)
    return rows


def _measured(target: _Target, attack: Attack, share: float, seconds: float) -> Row:
    url, number = target.server.url, str(math.ceil(share * attack.number))
    before = _rss(target.server)
    with beside(
        slow_clients.__name__, attack.name, url, number, target.change, target.page
    ) as opened:
        waits = probes.send(target.probe, PROBES_A_SECOND, seconds)
        grown = _rss(target.server) - before
    return Row(target.server.name, attack, len(opened), waits, grown)


def _rss(server: Running) -> float:
    return sum(one.rss for one in memory_of(server)) * 1024 / 1e6


def _settle(probe: Probe) -> None:
    """Until the service answers as before, so that a row has nothing of the one before it."""
    end = time.monotonic() + SETTLE_SECONDS
    times, most = SETTLED
    while time.monotonic() < end:
        if probes.send(probe, LOOKS_A_SECOND, times / LOOKS_A_SECOND).worst < most:
            return


def _audit(server: Running) -> _Target:
    """The audit service, with events that make a page as long as one can be."""
    headers = {"ce-specversion": "1.0", "ce-source": "/pages", "ce-type": "t"}
    for number in range(PAGE_EVENTS):
        headers |= {"Content-Type": "text/plain", "ce-id": str(number)}
        page = requests.post(server.url, b"x" * 1_000_000, headers=headers, timeout=60)
        page.raise_for_status()

    def request() -> bytes:
        return _EVENT.format(id=uuid_utils.uuid7()).encode()

    return _Target(server, Probe(server.url, request, 204), "/", "/v1/events?limit=1000")


def _users(server: Running, number: int) -> _Target:
    """The user service, with so many users of long names; the probe gets one of them."""
    path = "/v1/user"
    body = {"name": "\U0001f63c" * 200, "password": "12345"}
    with ThreadPoolExecutor(16) as pool:
        create = partial(requests.post, server.url + path, json=body, timeout=60)
        *_, last = pool.map(lambda _: create(), range(number))
    last.raise_for_status()
    lines = (f"GET {path}/{last.json()['id']} HTTP/1.1", "Host: localhost", "Connection: close")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return _Target(server, Probe(server.url, lambda: request, 200), path, f"{path}?limit=1000")
