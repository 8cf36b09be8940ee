"""The address of a connection and that of a request: by the socket, and by trusted proxies.

Any client can write a header. It is believed of a proxy that is named in FORWARDED_ALLOW_IPS,
and of the loopback where DJANGO_HTTPS says that a proxy speaks TLS there. A stack that is reached
directly has no proxy, and believes no header.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
RawHeaders = Sequence[tuple[bytes, bytes]]

IPV6_PREFIX = 64  # one customer has so many addresses
MOST_PROXIES = 16  # in a row
ANYBODY = "*"

# As some proxies write it: 192.0.2.1:4711, [2001:db8::1], [2001:db8::1]:4711.
_WITH_PORT = re.compile(r"^(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]+)?$")


def counted_address(client: tuple[str, int] | None) -> str:
    """Return what to count a connection by; empty where it is not one client's.

    Behind a proxy all clients have its address. That is trusted by name, or is of a private network
    as the bridge of a container is.
    """
    return _counted(client[0], settings.FORWARDED_ALLOW_IPS) if client else ""


def client_address(peer: str, headers: RawHeaders) -> str:
    """Return what to count a request by: the address that sent it. An IPv6 one is its network."""
    sender = sender_of(peer, headers)
    return _network_of(_address(sender)) or sender


def is_trusted(peer: str) -> bool:
    """Tell whether what `peer` writes into a request about its sender is believed."""
    address = _address(peer)
    return address is not None and _is_trusted(address, settings.FORWARDED_ALLOW_IPS)


def sender_of(peer: str, headers: RawHeaders) -> str:
    """Return the address that a request came from: `peer`, or the one that `peer` names.

    X-Forwarded-For is read from right to left, as far as its writers are trusted. So an
    address that a stranger writes there stays left of the one that his first proxy adds, and is
    not reached.
    """
    if not is_trusted(peer):
        return peer
    named = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    for each in reversed(named.decode("latin-1").rsplit(",", MOST_PROXIES)[-MOST_PROXIES:]):
        address = _address(_WITH_PORT.sub(r"\1\2", each.strip()))
        if address is None:
            break
        peer = str(address)
        if ANYBODY in settings.FORWARDED_ALLOW_IPS or not is_trusted(peer):
            break  # where any peer is trusted, the client is the peer, and not the one it names
    return peer


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
    if ANYBODY in trusted:
        return True
    return any(address in network for network in _networks(tuple(trusted.split(","))))


@lru_cache(maxsize=16)
def _networks(trusted: tuple[str, ...]) -> list[Network]:
    found = []
    for each in trusted:
        try:
            found.append(ip_network(each.strip(), strict=False))
        except ValueError:
            continue  # the start refuses it
    return found
