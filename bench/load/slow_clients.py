"""Slow clients: connections that take a server's places and ask next to nothing of it.

`python -m bench.load.slow_clients ATTACK URL NUMBER CHANGE PAGE` sends one attack until it is
killed: CHANGE is the path of a request with a body, PAGE that of a large answer. It prints a line
for each connection that it opened.
"""

import resource
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.load.beside import BEGAN, say

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Attack:
    """Connections that send a request, or a part of one, and read nothing.

    `a_second`: how many are opened, where it is not all at once; `seconds`: after which all of them
    are closed together and opened anew.
    """

    name: str
    number: int
    request: str
    a_second: int | None = None
    seconds: float | None = None


_HEAD = "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
_HALF_BODY = (
    "POST {change} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /slow\r\nce-type: t\r\n"
    "Content-Length: 100\r\n\r\nhalf"
)
_LAST = _HEAD + "Connection: close\r\n\r\n"
# The answers to a few fit into what the kernel keeps for a connection.
_PAGES = 10 * "GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n"

IDLE = Attack("2,000 idle, kept alive", 2000, _HEAD + "\r\n")
ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("400 with half a head", 400, _HEAD),
        Attack("400 with half a body", 400, _HALF_BODY),
        Attack("20 a second with `Connection: close`, left open", 1000, _LAST, a_second=20),
        Attack("1,000 with `Connection: close`, left open", 1000, _LAST),
        Attack("1,400 kept alive, closed together", 1400, _HEAD + "\r\n", seconds=3),
        Attack("2,000 that send nothing", 2000, ""),
        Attack("10,000 that send nothing", 10_000, ""),
        Attack("220 that ask for large pages and never read", 220, _PAGES),
        IDLE,
    )
}


def main(name: str, url: str, number: str, change: str, page: str) -> None:
    """Send it until the process is killed, or whoever started it is gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    attack = ATTACKS[name]
    request = attack.request.format(change=change, page=page).encode()
    say(BEGAN)
    while True:
        with ExitStack() as stack:
            for _ in range(int(number)):
                _open(url, request, stack)
                time.sleep(1 / attack.a_second if attack.a_second else 0)
            if attack.seconds is None:
                sys.stdin.read()
                return
            time.sleep(attack.seconds)


def _open(url: str, request: bytes, stack: ExitStack) -> None:
    parts = urlsplit(url)
    connection = stack.enter_context(socket.socket())
    # So that answers that are not read stay at the server.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(TIMEOUT_SECONDS)
    try:
        connection.connect((parts.hostname, parts.port))
        connection.sendall(request)
    except OSError:  # The server takes no more, or has closed it for a newer one.
        return
    say("")


if __name__ == "__main__":
    main(*sys.argv[1:])
