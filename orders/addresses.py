"""Mail addresses: what is one, and how it is written to a mail server.

The rule is email-validator's (RFC 5321, 5322, 6531; IDNA 2008): a dot-atom before the @, a domain
of at least two labels after it; no quoted local part, no address literal, no domain that is
reserved (RFC 6761), but `.test`, which shops use to try things out. It takes 20 µs an address; one
that is plain ASCII, as nearly all are, is checked here by a pattern to the same effect.

    >>> recipient_of("ada@example.com")
    Recipient(address='ada@example.com', needs_utf8=False)
    >>> check_address("ada@localhost", smtputf8=False)
    Traceback (most recent call last):
    orders.addresses.AddressRefused: is not a mail address
"""

import re
from typing import NamedTuple

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# Two hyphens in the third place announce another alphabet (`xn--`), which a pattern cannot check.
_LABEL = r"(?![A-Za-z0-9-]{2}--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*"
    rf"@(?:{_LABEL}\.)+(?!(?i:arpa|invalid|local|localhost|onion)\Z){_LABEL}(?<=[A-Za-z])"
)
_LONGEST = 254  # octets (RFC 5321, erratum 1690 of RFC 3696)


class AddressRefused(ValueError):
    """Not a mail address, or none that mail can be sent to here; the text goes on from "it"."""


class Recipient(NamedTuple):
    """Where a mail goes."""

    address: str  # its domain in ASCII
    needs_utf8: bool  # the local part is not ASCII: the server has to say SMTPUTF8 (RFC 6531)


def check_address(address: str, *, smtputf8: bool) -> None:
    """Raises AddressRefused where `address` is none; without `smtputf8`, where that is needed."""
    if _PLAIN.fullmatch(address) and len(address) <= _LONGEST:
        return
    if recipient_of(address).needs_utf8 and not smtputf8:
        raise AddressRefused(
            "has characters before the @ that the shop's mail server cannot send to"
        )


def recipient_of(address: str) -> Recipient:
    """Return where mail to `address` goes. Raises AddressRefused where it is none."""
    if _PLAIN.fullmatch(address) and len(address) <= _LONGEST:
        return Recipient(address, needs_utf8=False)
    if address.isascii() and "--" not in address:
        raise AddressRefused("is not a mail address")
    return _international(address)


def _international(address: str) -> Recipient:
    # A fifth of a second at start-up, which only those pay who are sent such an address.
    from email_validator import validate_email

    try:
        found = validate_email(
            address, strict=True, check_deliverability=False, test_environment=True
        )
    except ValueError:  # the library's own errors are such; and what it did not think of
        raise AddressRefused("is not a mail address") from None
    local, domain = found.local_part, found.ascii_domain
    if domain == "test":  # the library takes the bare name in a test environment
        raise AddressRefused("is not a mail address")
    return Recipient(f"{local}@{domain}", needs_utf8=found.smtputf8)
