"""Permitted targets of webhooks: never into the server's own network (server-side request forgery).

A URL is checked when it is given, so that a mistake shows early, and before each call, since the
permitted targets may have changed. The check of each address at the moment of connecting decides:
it sees the resolver's answer for this very connection, so a name that points elsewhere by now (DNS
rebinding) gets no further.
"""

import errno
import re
import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from yarl import URL  # the very parser that the calls are made with

from orders.errors import OrderError

Address = IPv4Address | IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]  # as socket.getaddrinfo gives it
MAX_URL_LENGTH = 500
USUAL_PORTS = frozenset((443, 80))
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4, as assigned by IANA
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # before the IPv4 address, RFC 5214, section 6.1
# Not public, whatever a version of Python's ipaddress says of them. Most are in IANA's registries
# of special-purpose addresses.
_SPECIAL: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("168.63.129.16/32"),  # the host of a virtual machine on Azure
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; a cloud's metadata, too
    IPv4Network("192.31.196.0/24"),  # AS112, RFC 7535
    IPv4Network("192.52.193.0/24"),  # multicast tunnels, RFC 7450
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    IPv4Network("192.175.48.0/24"),  # AS112, RFC 7534
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them, RFC 6890
    IPv6Network("2620:4f:8000::/48"),  # AS112, RFC 7534
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
_ODD = re.compile(
    r'["<>\\^`{|}]'
)  # never in a URL, RFC 3986, section 2; each parser takes them its way
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]")  # none, or of a control
_LABEL = re.compile(r"[\w-]{1,63}", re.ASCII)
_NUMBER = re.compile(r"\d+|0[xX][0-9A-Fa-f]*", re.ASCII)


class TargetRefused(OrderError):
    """A URL that no webhook may go to; the text says why."""


class AddressRefused(OSError):
    """An address that no webhook may go to; for the HTTP client one that cannot be connected to."""


def check_url(text: str) -> None:
    """Check the URL of a webhook. Raises TargetRefused."""
    if reason := refusal_of(text):
        raise TargetRefused(reason)


def refusal_of(text: str) -> str:
    """Return why no webhook may go to a URL, as the settings are now; "" where one may."""
    return _refusal(text, settings.WEBHOOK_ALLOW_PRIVATE, settings.WEBHOOK_PORTS)


@lru_cache(maxsize=1024)  # endpoints; it is asked before each call
def _refusal(text: str, allow_private: bool, ports: frozenset[int]) -> str:
    try:
        _check(text, allow_private, ports)
    except TargetRefused as refused:
        return str(refused)
    return ""


def _check(text: str, allow_private: bool, ports: frozenset[int]) -> None:
    url = _parse(text)
    schemes = ("https", "http") if allow_private else ("https",)
    if url.scheme not in schemes:
        raise TargetRefused(f"The URL has to begin with {' or '.join(schemes)}://")
    if not url.host:
        raise TargetRefused("The URL names no host.")
    if "@" in re.split("[/?#]", text.partition("://")[2])[0]:
        raise TargetRefused("The URL holds a user name or password.")
    if "#" in text:
        raise TargetRefused("The URL holds a fragment (#), which is never sent.")
    if not allow_private and _is_surely_private(url.host):
        raise TargetRefused(f"{url.host} is not a public address.")
    _check_host(url.raw_host or "")
    if not allow_private and url.port not in USUAL_PORTS | ports:
        raise TargetRefused(f"Port {url.port} is not one of {_in_words(ports)} (WEBHOOK_PORTS).")
    normalise(text)


def _check_host(host: str) -> None:
    """Refuse what is neither a name nor an address as everybody writes it."""
    if ":" in host:
        if "%" in host:
            raise TargetRefused("The host is an address with a zone, which is of one machine only.")
        return
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise TargetRefused(f"{host[:80]} is no name of a host.")
    if _NUMBER.fullmatch(labels[-1]) and str(_ipv4(host)) != host:
        raise TargetRefused(f"{host[:80]} is not an address as it is usually written.")


def _ipv4(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except ValueError:
        return None


def _in_words(ports: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(USUAL_PORTS | ports)))


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
    if not settings.WEBHOOK_ALLOW_PRIVATE:
        host, port = address[:2]
        if not is_public(ip_address(host)):
            raise AddressRefused(errno.EACCES, f"{host} is not a public address")
        if port not in USUAL_PORTS | settings.WEBHOOK_PORTS:
            raise AddressRefused(errno.EACCES, f"port {port} is not permitted")
    return socket.socket(family=family, type=kind, proto=protocol)


def is_public(address: Address) -> bool:
    """Tell whether an address is a global unicast one, seen through what may be wrapped around it:
    IPv4 in IPv6 (RFC 4291), 6to4 (RFC 3056), NAT64 (RFC 6052) or ISATAP (RFC 5214)."""
    if any(address in network for network in _SPECIAL):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if address.scope_id is not None:
        return False
    if wrapped := _wrapped_ipv4(address):
        return is_public(wrapped)
    return address in _GLOBAL_UNICAST and address.is_global


def _wrapped_ipv4(address: IPv6Address) -> IPv4Address | None:
    number = int(address)
    if address in _NAT64 or number >> 32 & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(number & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _parse(text: str) -> URL:
    if len(text) > MAX_URL_LENGTH:
        raise TargetRefused(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if not text.isprintable() or " " in text:
        raise TargetRefused("The URL holds spaces or control characters.")
    if _BAD_ESCAPE.search(text):
        raise TargetRefused("The URL holds an escape (%) of a control character, or of nothing.")
    if _ODD.search(text):
        raise TargetRefused("The URL holds a character that has to be escaped in URLs.")
    try:
        url = URL(text)
        _ = url.host  # read when it is asked for, and not always readable
        return url
    except UnicodeError as error:
        raise TargetRefused("The name of the host is not as IDNA has it.") from error
    except ValueError as error:
        raise TargetRefused(f"This is no URL: {error}") from error


def _is_surely_private(host: str) -> bool:
    """Check all that needs no resolver."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:  # as a resolver reads addresses: 127.1, 0x7f000001 and 2130706433 are the same one
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # the latter where a label is empty, or too long
        return False  # a name: its addresses are checked when they are connected to
    return not all(is_public(ip_address(info[4][0])) for info in found)
