"""Address of a client: of the connection, or what a proxy that is trusted says of it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

Networks = Sequence[IPv4Network | IPv6Network]

_MOST_HOPS: Final = 10


def networks(text: str) -> Networks:
    """Addresses or networks with commas between them. Raises ValueError."""
    return tuple(ip_network(each.strip(), strict=False) for each in text.split(",") if each)


def of(environ: Mapping[str, Any], trusted: Networks) -> str:
    """The client's address: in `X-Forwarded-For` the last that no trusted proxy has."""
    address = str(environ.get("REMOTE_ADDR", ""))
    if not trusted or not _is_trusted(address, tuple(trusted)):
        return address
    hops = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")[-_MOST_HOPS:]
    for hop in reversed([each.strip() for each in hops]):
        if not _is_address(hop):
            break
        address = hop
        if not _is_trusted(hop, tuple(trusted)):
            break
    return address


@lru_cache(1000)
def _is_trusted(address: str, trusted: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
