"""The wait before another attempt.

>>> [ceiling_seconds(attempts) for attempts in (1, 2, 3, 9)]
[5.0, 25.0, 125.0, 86400.0]
>>> retry_after_seconds("120", now=datetime(2026, 11, 27, tzinfo=UTC))
120.0
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE_SECONDS = 5.0
FACTOR = 5.0
CAP_SECONDS = 24 * 3600.0
MAX_ATTEMPTS = 10  # the last of them some three days after the first, at the latest


def ceiling_seconds(attempts: int) -> float:
    """Return the longest wait after so many failed attempts (from 1 up)."""
    growth = FACTOR ** min(attempts - 1, 10)  # beyond, the cap is passed by far
    return min(CAP_SECONDS, BASE_SECONDS * growth)


def wait_seconds(attempts: int, *, uniform: Callable[[float, float], float]) -> float:
    """Return how long to wait after so many failed attempts: exponential, with full jitter.

    "Full jitter" is a random share of the whole wait; it spreads the retries of many deliveries
    that failed together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
    """
    return uniform(0.0, ceiling_seconds(attempts))


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """Return the wait that a Retry-After header asks for (RFC 9110, section 10.2.3), at most a day.

    None where there is none, or where it is neither seconds nor a date.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(CAP_SECONDS, float(text[:10]))
    moment = _http_date(text)
    return None if moment is None else min(CAP_SECONDS, max(0.0, (moment - now).total_seconds()))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
