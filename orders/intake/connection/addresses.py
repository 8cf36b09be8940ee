"""Which connections count as one client's, for the bound per address."""

import os
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

IPV6_PREFIX = 64  # one customer has so many addresses


def counted_address(client: tuple[str, int] | None) -> str:
    """Return what to count a connection by; empty where it is not one client's.

    Behind a proxy all clients have its address. That is trusted by name, or is of a private network
    as the bridge of a container is.
    """
    return _counted(client[0], os.environ.get("FORWARDED_ALLOW_IPS", "")) if client else ""


@lru_cache(maxsize=1024)
def _counted(host: str, trusted: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if trusted.strip() == "*" or not address.is_global:
        return ""
    if any(address in network for network in _networks(trusted.split(","))):
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def _networks(trusted: Sequence[str]) -> list[Network]:
    found = []
    for each in trusted:
        try:
            found.append(ip_network(each.strip(), strict=False))
        except ValueError:
            continue  # uvicorn takes names of sockets there, too
    return found
