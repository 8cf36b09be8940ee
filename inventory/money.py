"""Exact money: amounts in minor units (cents) and as decimals, whatever digits a currency has.

>>> price = parse_amount("12.5", "EUR")
>>> with_currency(price * 2, "EUR"), to_minor(price, "EUR"), format_minor(1250, "JPY")
('25.00 EUR', 1250, '1250')
>>> parse_amount("12.505", "EUR")
Traceback (most recent call last):
inventory.money.AmountRefused: 12.505 EUR has more decimal places than EUR has
"""

import re
from decimal import Decimal
from functools import lru_cache

from .iso_4217 import MINOR_UNITS

# The form of an amount wherever it is written as text: no sign, exponent, separator of
# thousands or digit of another script, each of which some program reads as something else.
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.([0-9]{1,4}))?")
_MOST_DIGITS = 20  # beyond it a number is no amount, and taking it apart could take all memory


class AmountRefused(ValueError):
    """An amount that its currency cannot express, or that is none; the text says which."""


def is_currency(code: str) -> bool:
    """Tell whether `code` is a currency of ISO 4217 today, written as it writes them."""
    return code in MINOR_UNITS


def minor_digits(currency: str) -> int:
    """Return how many decimal places an amount in `currency` (ISO 4217) has.

    A code that is no currency any more has two: the ledger outlives currencies.
    """
    return MINOR_UNITS.get(currency, 2)


def parse_amount(text: str, currency: str) -> Decimal:
    """Return the amount that `text` writes: "12", "12.5" or "12.50". Raises AmountRefused."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise AmountRefused(f"{_shortened(text)!r} is no amount; write it like 12.50")
    if len(match[1] or "") > minor_digits(currency):
        raise AmountRefused(_more_places(text, currency))
    return Decimal(text)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return `amount` in minor units (cents). Raises AmountRefused where that loses something."""
    if not amount.is_finite() or (amount and abs(amount.adjusted()) > _MOST_DIGITS):
        raise AmountRefused(f"{_shortened(str(amount))} is no amount")
    minor = int(amount.scaleb(minor_digits(currency)))
    if from_minor(minor, currency) != amount:
        raise AmountRefused(_more_places(amount, currency))
    return minor


def _more_places(amount: Decimal | str, currency: str) -> str:
    return f"{_shortened(str(amount))} {currency} has more decimal places than {currency} has"


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def from_minor(minor: int, currency: str) -> Decimal:
    """Return `minor` units (cents) as an exact amount."""
    return Decimal(minor).scaleb(-minor_digits(currency))


@lru_cache(maxsize=1024)  # a sale has few prices, and each is in every order's answer
def format_minor(minor: int, currency: str) -> str:
    """Return `minor` units as the API writes amounts: "12.00", or "1200" in yen."""
    digits = minor_digits(currency)
    if digits == 0:
        return str(minor)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def format_amount(amount: Decimal, currency: str) -> str:
    """Return an amount as the API writes it; one that its currency cannot express as it is."""
    try:
        return format_minor(to_minor(amount, currency), currency)
    except AmountRefused:
        return str(amount)


def with_currency(amount: Decimal, currency: str) -> str:
    """Return an amount as people and logs read it: "12.00 EUR", "1200 JPY"."""
    return f"{format_amount(amount, currency)} {currency}"
