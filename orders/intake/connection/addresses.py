"""Which connections count as one client's, for the bound per address."""

import os
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_TRUSTED = "127.0.0.1,::1"  # as uvicorn has it

IPV6_PREFIX = 64  # one customer has so many addresses


def counted_address(client: tuple[str, int] | None) -> str:
    """Return what to count a connection by; empty where it is not one client's.

    Behind a proxy all clients have its address. That is trusted by name, or is of a private network
    as the bridge of a container is.
    """
    return _counted(client[0], os.environ.get("FORWARDED_ALLOW_IPS", "")) if client else ""


def client_address(peer: str, forwarded_for: Sequence[bytes]) -> str:
    """Return the address of the client that sent a request: of `peer`, or whom that names.

    `forwarded_for` are the values of X-Forwarded-For. They are believed from right to left, as far
    as those who wrote them are trusted: FORWARDED_ALLOW_IPS. An IPv6 client is its network.
    """
    trusted = os.environ.get("FORWARDED_ALLOW_IPS") or DEFAULT_TRUSTED
    named = b",".join(forwarded_for).decode("latin-1").split(",")
    for each in [peer, *(name.strip() for name in reversed(named))]:
        if not (address := _address(each)):
            break
        peer = each
        if not _is_trusted(address, trusted):
            break
    return _network_of(_address(peer)) or peer


@lru_cache(maxsize=1024)
def _counted(host: str, trusted: str) -> str:
    address = _address(host)
    if address is None or not address.is_global or _is_trusted(address, trusted):
        return ""
    return _network_of(address)


def _address(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network_of(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "")


def _is_trusted(address: Address, trusted: str) -> bool:
    if trusted.strip() == "*":
        return True
    return any(address in network for network in _networks(tuple(trusted.split(","))))


@lru_cache(maxsize=16)
def _networks(trusted: tuple[str, ...]) -> list[Network]:
    found = []
    for each in trusted:
        try:
            found.append(ip_network(each.strip(), strict=False))
        except ValueError:
            continue  # uvicorn takes names of sockets there, too
    return found
