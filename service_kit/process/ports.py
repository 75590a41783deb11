"""Ports to listen on, probed before anything is started on them."""

import socket
import time

from service_kit.settings.bind_address import host_and_port

PORT_TIMEOUT_SECONDS = 3.0


class PortTaken(Exception):
    """Something else listens on the address."""


def wait_for_port(bind: str, timeout: float = PORT_TIMEOUT_SECONDS) -> None:
    """Return once nothing listens on `bind`, at most `timeout` seconds later.

    Because of SO_REUSEPORT a second instance could bind the same port without a word and
    take half of the requests; and the workers of a killed master hold it for a second or two.

    Raises PortTaken.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            _probe(bind)
        except OSError as error:
            if time.monotonic() > deadline:
                raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from None
            time.sleep(0.1)
        else:
            return


def _probe(bind: str) -> None:
    host, port = host_and_port(bind)
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # Without it, connections in TIME_WAIT would count as someone listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
