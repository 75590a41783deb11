"""Host names under which a service may be called.

A web page can have its own name resolve to an address of the reader's machine (DNS rebinding), and
then reads what listens there: it is told by the name, which a browser sends as Host.
"""

import re
import socket
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator

from service_kit.settings.bind_address import host_and_port

AllowedHosts = frozenset[str] | None
"""Names in lower case, without a port, an IPv6 address in brackets; None: any."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

_ANY = "*"
_NAME = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_-][a-z0-9._-]*")


def _host_list(text: str) -> str:
    for name in _names(text):
        if name != _ANY and not _NAME.fullmatch(name):
            raise ValueError("must be host names without ports, with commas between them, or `*`")
    return text


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",")) if text else frozenset()


HostList = Annotated[str, AfterValidator(_host_list)]
"""Host names with commas between them, or `*`; empty where the address decides."""


def allowed_hosts(hosts: HostList, bind: str) -> AllowedHosts:
    """The names that may be in Host on a port: those listed, those of loopback, and its own.

    Where none is listed, any on a port that is not of loopback.
    """
    names = _names(hosts)
    if _ANY in names or (not names and not is_loopback(bind)):
        return None
    return LOOPBACK | names | {bind.rpartition(":")[0].lower()}


def is_loopback(bind: str) -> bool:
    """Whether only this machine reaches the address, or none does."""
    host, port = host_and_port(bind)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(ip_address(address[0]).is_loopback for *_, address in found)
