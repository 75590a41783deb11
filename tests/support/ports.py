"""Ports for servers of tests: below those that the system gives to connections.

A port that binding to 0 yields can be taken, before its server listens, by any connection that
another process makes meanwhile, and tests run beside each other.
"""

import secrets
import socket
from pathlib import Path

FIRST_PORT = 10_000


def free_port(count: int = 1) -> int:
    """The first of `count` successive ports of 127.0.0.1 that nothing listens on."""
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    # Of the system's randomness: every process of a test run seeds the other kind alike.
    while not all(map(_is_free, range(port := _any_of(end - count), port + count))):
        pass
    return port


def _any_of(end: int) -> int:
    return FIRST_PORT + secrets.randbelow(end - FIRST_PORT)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
