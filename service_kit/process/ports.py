"""Ports to listen on, probed before anything is started on them."""

import errno
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from service_kit.settings.bind_address import host_and_port

PORT_TIMEOUT_SECONDS = 3.0

Resolve = Callable[..., Sequence[tuple[Any, ...]]]
"""Like socket.getaddrinfo."""


class PortTaken(Exception):
    """Something else listens on the address."""


def addresses_of(bind: str, resolve: Resolve = socket.getaddrinfo) -> list[str]:
    """Every address that `bind` stands for, as `host:port` with a literal host.

    A name such as `localhost` may have two, and a client may try either first. Those that
    this machine does not have are left out. Raises PortTaken where none is left.
    """
    host, port = host_and_port(bind)
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from None
    usable = [(family, address) for family, _, _, _, address in found if _is_here(family, address)]
    if not usable:
        raise PortTaken(f"cannot listen on {bind}: no such address on this machine")
    return [
        f"[{address[0]}]:{port}" if family == socket.AF_INET6 else f"{address[0]}:{port}"
        for family, address in usable
    ]


def wait_for_port(
    bind: str, timeout: float = PORT_TIMEOUT_SECONDS, resolve: Resolve = socket.getaddrinfo
) -> None:
    """Return once nothing listens on any address of `bind`, at most `timeout` seconds later.

    Because of SO_REUSEPORT a second instance could bind the same port without a word and
    take half of the requests; and the workers of a killed master hold it for a second or two.

    Raises PortTaken.
    """
    deadline = time.monotonic() + timeout
    for address in addresses_of(bind, resolve):
        while (error := _probe(address)) is not None:
            if time.monotonic() > deadline:
                raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from None
            time.sleep(0.1)


def _probe(bind: str) -> OSError | None:
    """Why nothing can listen on a literal address now; None where something can."""
    host, port = host_and_port(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without it, connections in TIME_WAIT would count as someone listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def _is_here(family: int, address: Any) -> bool:
    """Whether this machine has the address at all: `localhost` may be ::1 where IPv6 is off."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address[0], 0))
    except OSError as error:
        return error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return True
