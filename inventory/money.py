"""Exact money: amounts in minor units (cents) and as decimals, whatever digits a currency has."""

from decimal import Decimal
from functools import lru_cache

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = dict.fromkeys(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0
) | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)


def minor_digits(currency: str) -> int:
    """Return how many decimal places an amount in `currency` (ISO 4217) has."""
    return _MINOR_DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return `amount` in minor units (cents). Raises ValueError where that would lose something."""
    minor = amount.scaleb(minor_digits(currency))
    if minor != int(minor):
        raise ValueError(f"{amount} {currency} has more decimal places than {currency} has")
    return int(minor)


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
