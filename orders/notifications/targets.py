"""Where webhooks may go: never into the server's own network (server-side request forgery).

A URL is checked when it is given, for an early word. What counts is the check of each address at
the moment of connecting: it sees what the resolver has answered for this very connection, so a name
that points elsewhere by now (DNS rebinding) gets no further.
"""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from yarl import URL  # the very parser that the calls are made with

from orders.errors import OrderError

Address = IPv4Address | IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]  # as socket.getaddrinfo gives it
MAX_URL_LENGTH = 500
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4, as assigned by IANA
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1


class TargetRefused(OrderError):
    """A URL that no webhook may go to; the text says why."""


class AddressRefused(OSError):
    """An address that no webhook may go to; for the HTTP client one that cannot be connected to."""

    def __init__(self, address: str) -> None:
        super().__init__(errno.EACCES, f"{address} is not a public address")


def check_url(text: str) -> None:
    """Check the URL of a new webhook. Raises TargetRefused."""
    url = _parse(text)
    if url.scheme not in _schemes():
        raise TargetRefused(f"The URL has to begin with {' or '.join(_schemes())}://")
    if not url.host:
        raise TargetRefused("The URL names no host.")
    if url.user is not None or url.password is not None:
        raise TargetRefused("The URL holds a user name or password.")
    if not settings.WEBHOOK_ALLOW_PRIVATE and _is_surely_private(url.host):
        raise TargetRefused(f"{url.host} is not a public address.")
    normalise(text)


def normalise(text: str) -> str:
    """Return the form of a URL in which those that lead to the same place are the same text.

    Letter case of scheme and host, the scheme's own port, escapes that need not be, dot segments,
    the root's dot behind the host and an empty path are evened out (RFC 3986, section 6.2); a
    fragment is never sent. Raises TargetRefused where it is no URL, or too long in that form.
    """
    url = _parse(text).with_fragment(None)
    if url.raw_host and url.raw_host.endswith("."):
        url = url.with_host(url.raw_host.rstrip("."))
    if url.is_default_port():
        url = url.with_port(None)
    even = f"{url.scheme}://{url.raw_authority}{url.raw_path_qs}"
    if len(even) > MAX_URL_LENGTH:
        raise TargetRefused(
            f"The URL is longer than {MAX_URL_LENGTH} characters once it is escaped."
        )
    return even


def open_socket(address_info: AddressInfo) -> socket.socket:
    """Return a socket for a connection to exactly this address. Raises AddressRefused."""
    family, kind, protocol, _, address = address_info
    if not settings.WEBHOOK_ALLOW_PRIVATE and not is_public(ip_address(address[0])):
        raise AddressRefused(address[0])
    return socket.socket(family=family, type=kind, proto=protocol)


def is_public(address: Address) -> bool:
    """Tell whether an address is a global unicast one, seen through what may be wrapped around it:
    IPv4 in IPv6 (RFC 4291), 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if wrapped := _wrapped_ipv4(address):
        return is_public(wrapped)
    return address in _GLOBAL_UNICAST and address.is_global


def _wrapped_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _schemes() -> tuple[str, ...]:
    return ("https", "http") if settings.WEBHOOK_ALLOW_PRIVATE else ("https",)


def _parse(text: str) -> URL:
    if len(text) > MAX_URL_LENGTH:
        raise TargetRefused(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if not text.isprintable() or " " in text:
        raise TargetRefused("The URL holds spaces or control characters.")
    try:
        return URL(text)
    except ValueError as error:
        raise TargetRefused(f"This is no URL: {error}") from error


def _is_surely_private(host: str) -> bool:
    """Tell what can be told without asking a resolver."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:  # as a resolver reads addresses: 127.1, 0x7f000001 and 2130706433 are the same one
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False  # a name: its addresses are checked when they are connected to
    return not all(is_public(ip_address(info[4][0])) for info in found)
