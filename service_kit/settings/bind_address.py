"""Addresses to listen on, as `host:port`."""

import re
from typing import Annotated

from pydantic import AfterValidator

MAX_PORT = 65535

_BIND = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})")


def _bind_address(text: str) -> str:
    match = _BIND.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= MAX_PORT or not _nameable(match["host"]):
        raise ValueError("must be host:port, for example 127.0.0.1:8080")
    return text


def _nameable(host: str) -> bool:
    """Whether the host can be looked up at all: `a..b` cannot."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


BindAddress = Annotated[str, AfterValidator(_bind_address)]


def host_and_port(bind: str) -> tuple[str, int]:
    """The two halves of a `BindAddress`, an IPv6 host without its brackets."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)
